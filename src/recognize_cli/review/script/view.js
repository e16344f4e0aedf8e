// Shows what was decided, and keeps the focus where it can be seen.

const ticked = new Set();
let planned = []; // what bears a mark
let last = null; // the checkbox that was ticked last
let typing = null; // the field for a name that is being written

function show() {
  const list = commands();
  const text = list.map(([line]) => `${line}\n`).join("");
  byId("text").value = text;
  byId("command-count").textContent = number(list.length, "command");
  byId("commands").replaceChildren(...list.map(([line, drop]) => commandRow(line, drop)));
  byId("collected").hidden = !list.length;
  byId("ticked").hidden = !ticked.size;
  byId("ticked-count").textContent = `${number(ticked.size, "face")} ticked`;
  byId("remove").disabled = ![...ticked].some((face) => boxes.get(face)[0].dataset.person);
  byId("tray").hidden = !list.length && !ticked.size;
  document.body.classList.toggle("ticking", ticked.size > 0);
  showPlan();
}

function commandRow(line, drop) {
  const row = document.createElement("li");
  const code = document.createElement("code");
  const button = document.createElement("button");
  code.textContent = line;
  Object.assign(button, { type: "button", className: "quiet", textContent: "Drop" });
  button.setAttribute("aria-label", `Drop ${line}`);
  button.addEventListener("click", () => change(drop, "Dropped."));
  row.append(code, button);
  return row;
}

function showPlan() {
  for (const cell of planned) delete cell.dataset.plan;
  planned = [];
  const mark = (words) => ([face]) => {
    for (const box of boxes.get(face) ?? []) {
      box.closest("li").dataset.plan = words;
      planned.push(box.closest("li"));
    }
  };
  for (const { to, faces } of plan.splits) faces.forEach(mark(to ? `to ${titleOf(to)}` : "new person"));
  plan.removals.forEach(mark("taken out"));
  const pressed = new Set(plan.merges.map(String));
  for (const button of all(".merge")) button.setAttribute("aria-pressed", pressed.has(String(pairOf(button))));
  for (const card of all(".card.planned")) if (!(card.dataset.person in plan.names)) unmarkName(card);
  for (const id of Object.keys(plan.names)) byId(`person-${id}`)?.classList.add("planned");
}

function unmarkName(card) {
  card.classList.remove("planned");
  const input = card.querySelector(".name");
  if (input !== typing) input.value = "";
}

function change(how, words) {
  const tray = byId("tray");
  const within = () => tray.contains(document.activeElement) && document.activeElement.checkVisibility();
  const before = within();
  how();
  remember();
  show();
  if (before && !within()) goOn();
  if (words) say(words);
}

// Where the focus goes when what had it is gone.
function goOn() {
  const summary = byId("command-count");
  if (byId("details").open && summary.checkVisibility()) summary.focus();
  else (last ?? search).focus({ preventScroll: true });
}
