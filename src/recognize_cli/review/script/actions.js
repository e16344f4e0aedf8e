// What names, buttons and ticks do.

for (const card of cards) {
  const input = card.querySelector(".name");
  input.addEventListener("input", () => {
    typing = input;
    change(() => setName(card.dataset.person, cleaned(input.value)));
    typing = null;
  });
}

const pairOf = ({ dataset }) => [dataset.left, dataset.right];
for (const button of all(".merge")) {
  button.addEventListener("click", () => {
    const pair = String(pairOf(button));
    const rest = plan.merges.filter((each) => String(each) !== pair);
    change(() => (plan.merges = rest.length < plan.merges.length ? rest : [...rest, pairOf(button)]));
  });
}

function tick(face, on) {
  for (const box of boxes.get(face)) box.checked = on;
  if (on) ticked.add(face);
  else ticked.delete(face);
}

function untick() {
  for (const face of [...ticked]) tick(face, false);
}

// Splits the ticked faces off, or removes them; a face has one fate at most.
function decide(how, words) {
  const faces = [...ticked].map((face) => [face, boxes.get(face)[0].dataset.person]);
  const others = ([face]) => !ticked.has(face);
  change(() => {
    plan.splits = only(plan.splits, others);
    plan.removals = plan.removals.filter(others);
    how(faces);
    untick();
  }, words);
}
const splitFor = (to) => (faces) => {
  const others = faces.filter(([, person]) => !to || person !== to);
  if (others.length) plan.splits.push({ to, faces: others });
};
byId("split").addEventListener("click", () => decide(splitFor(""), "Command added: split."));
byId("remove").addEventListener("click", () =>
  decide((faces) => plan.removals.push(...faces.filter(([, person]) => person)), "Command added: remove."),
);

function whoIs(text) {
  const wanted = folded(cleaned(text));
  if (people.has(wanted)) return wanted;
  return wanted && [...people.keys()].find((id) => calledBy(id) === wanted);
}

const owner = byId("owner");
byId("give").addEventListener("submit", (event) => {
  event.preventDefault();
  const to = whoIs(owner.value);
  if (to) {
    owner.value = "";
    decide(splitFor(to), `Command added: give to ${titleOf(to)}.`);
  } else {
    owner.setCustomValidity("Nobody has this name or number.");
    owner.reportValidity();
  }
});
owner.addEventListener("input", () => owner.setCustomValidity(""));
byId("untick").addEventListener("click", () => change(untick));
byId("clear").addEventListener("click", () =>
  change(() => (plan = { names: {}, merges: [], splits: [], removals: [] }), "All commands dropped."),
);

document.addEventListener("click", ({ target, shiftKey }) => {
  if (!target.matches(".faces input")) return;
  const row = inputsOf(target);
  const [from, to] = [row.indexOf(last), row.indexOf(target)].sort((a, b) => a - b);
  for (const box of shiftKey && from >= 0 ? row.slice(from, to + 1) : [target]) tick(box.value, target.checked);
  last = target;
  show();
});
