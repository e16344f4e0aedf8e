// The keyboard: arrows within a group of faces, and a few keys for the whole page.

const inputsOf = (input) => all("input", input.closest(".faces"));
const lead = new Map(); // group of faces -> the face that Tab leads to
for (const group of all(".faces")) {
  const inputs = all("input", group);
  for (const input of inputs) input.tabIndex = -1;
  for (const link of all("a[target]", group)) link.tabIndex = -1;
  inputs[0].tabIndex = 0;
  lead.set(group, inputs[0]);
}
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches(".faces input")) return;
  const group = target.closest(".faces");
  lead.get(group).tabIndex = -1;
  target.tabIndex = 0;
  lead.set(group, target);
});

function neighbour(input, key) {
  const row = inputsOf(input);
  const top = (box) => box.closest("li").offsetTop;
  const columns = row.findIndex((box) => top(box) > top(row[0]));
  const down = columns < 0 ? row.length : columns;
  const at = row.indexOf(input);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down, Home: -at, End: row.length - 1 - at };
  return key in steps ? row[at + steps[key]] ?? input : undefined;
}

function onFace(event) {
  if (event.key === "Enter") {
    event.target.closest("li").querySelector("a[target]")?.click();
    return true;
  }
  const next = neighbour(event.target, event.key);
  next?.focus();
  return Boolean(next);
}

const keys = byId("keys");
function toTray() {
  const place = [owner, byId("command-count")].find((each) => each.checkVisibility());
  place?.focus();
  return Boolean(place);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const { target, key } = event;
  const writing = target.matches("textarea, input:not([type=checkbox])");
  let done = false;
  if (target.matches(".faces input")) done = onFace(event);
  if (!done && !writing && key === "/" && !keys.open) done = search.focus() ?? true;
  if (!done && !writing && key === "t") done = toTray();
  if (!done && key === "Escape" && byId("tray").contains(target)) done = last?.focus() ?? true;
  if (!done && !writing && key === "?") done = keys.showModal?.() ?? true;
  if (target === search && key === "Escape") done = find((search.value = "")) ?? true;
  if (done) event.preventDefault();
});
byId("show-keys").addEventListener("click", () => keys.showModal());
byId("close-keys").addEventListener("click", () => keys.close());
