// What was decided, and the commands that do it.

// What was decided on this page, and not yet done: names by person, pairs to merge, and faces,
// each with the person it is of now, to remove or to split off, for a new person or for the one of id `to`.
let plan = { names: {}, merges: [], splits: [], removals: [] };

const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const { catalogue, option } = document.body.dataset;
const call = (verb, ...words) => ["recognize faces", verb, ...(option ? [option] : []), ...words].join(" ");
const titleOf = (id) => plan.names[id] || people.get(id) || `Person ${id}`;
const folded = (name) => name.normalize("NFC").toLowerCase();
const calledBy = (id) => folded(plan.names[id] ?? people.get(id)); // "" for no name
const cleaned = (name) => name.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ").trim();

// Who becomes one person: those of a pair that was confirmed, and those with one name.
function groups() {
  const parent = new Map();
  const root = (id) => (parent.has(id) ? root(parent.get(id)) : id);
  const join = (a, b) => root(a) !== root(b) && parent.set(root(b), root(a));
  for (const [a, b] of plan.merges) join(a, b);
  const owner = new Map();
  for (const id of people.keys()) {
    const wanted = calledBy(id);
    const other = owner.get(wanted);
    if (other === undefined) owner.set(wanted, id);
    else if (wanted && (id in plan.names || other in plan.names)) join(other, id);
  }
  const found = new Map();
  for (const id of people.keys()) found.set(root(id), [...(found.get(root(id)) ?? []), id]);
  return [...found.values()].filter((ids) => ids.length > 1);
}

// Each command with what takes it back, in an order in which they can be run.
function commands() {
  const list = [];
  const faces = (pairs) => pairs.map(([face]) => face);
  for (const split of plan.splits) {
    const line = call("split", ...faces(split.faces));
    const drop = () => (plan.splits = plan.splits.filter((each) => each !== split));
    list.push([split.to ? call("merge", split.to, `"$(${line})"`) : line, drop]);
  }
  if (plan.removals.length) list.push([call("remove", ...faces(plan.removals)), () => (plan.removals = [])]);
  const merged = groups();
  const renamed = Object.entries(plan.names).filter(([id, name]) => {
    const group = merged.find((ids) => ids.includes(id));
    return !group?.some((other) => other !== id && nameOf(other, group, id) === folded(name));
  });
  renamed.sort(([a], [b]) => Boolean(people.get(b)) - Boolean(people.get(a))); // frees names before they are given
  for (const [id, name] of renamed) {
    const words = name.startsWith("-") ? [id, "--", quote(name)] : [id, quote(name)];
    list.push([call("name", ...words), () => setName(id, "")]);
  }
  for (const ids of merged) {
    const first = ids.find((id) => people.get(id) || plan.names[id]) ?? ids[0];
    const words = [first, ...ids.filter((id) => id !== first)];
    list.push([call("merge", ...words), () => unmerge(ids)]);
  }
  return list;
}

// The name that somebody else of a group brings with them: their own, or one that is given to an earlier one.
function nameOf(other, group, id) {
  const given = plan.names[other];
  if (given === undefined) return folded(people.get(other));
  return group.indexOf(other) < group.indexOf(id) ? folded(given) : "";
}

// The splits with those faces that pass a test, as far as any is left of them.
const only = (splits, test) =>
  splits.map(({ to, faces }) => ({ to, faces: faces.filter(test) })).filter(({ faces }) => faces.length);

// Takes back the pairs and the names that make one person of several; other names stay.
function unmerge(ids) {
  plan.merges = plan.merges.filter(([a]) => !ids.includes(a));
  const shared = (id) => ids.some((other) => other !== id && calledBy(other) === calledBy(id));
  for (const id of ids.filter((id) => id in plan.names && shared(id))) delete plan.names[id];
}

function setName(id, name) {
  if (name && name !== people.get(id)) plan.names[id] = name;
  else delete plan.names[id];
}
