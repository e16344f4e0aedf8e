// What is remembered between two looks at the page, where the browser allows it.

const shelf = `recognize faces review ${catalogue}`;

// What was done meanwhile, or is not on the page any more, is forgotten.
function restore() {
  const here = ([face, person]) => boxes.get(face)?.[0].dataset.person === person;
  try {
    const stored = JSON.parse(localStorage.getItem(shelf));
    const merges = stored.merges.filter(([a, b]) => people.has(a) && people.has(b));
    const splits = only(stored.splits, here).filter(({ to }) => !to || people.has(to));
    const names = Object.entries(stored.names).filter(([id, name]) => people.has(id) && name !== people.get(id));
    plan = { names: Object.fromEntries(names), merges, splits, removals: stored.removals.filter(here) };
  } catch {
    // nothing there, not ours, or forbidden: then the page starts afresh
  }
}

function remember() {
  try {
    localStorage.setItem(shelf, JSON.stringify(plan));
  } catch {
    // forbidden or full: then the page forgets it when it is closed
  }
}
