// The page as it was written: its people and faces.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const number = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const say = (text) => (byId("said").textContent = text);
const search = byId("search");

const cards = all(".card");
const boxes = new Map(); // face id -> its checkboxes: a face may be in several places
for (const box of all(".faces input")) {
  boxes.set(box.value, [...(boxes.get(box.value) ?? []), box]);
}
const people = new Map(); // person id -> name, "" for none; in the order of the page
for (const { dataset } of cards) people.set(dataset.person, dataset.name);
for (const { dataset } of all(".merge")) {
  people.set(dataset.left, dataset.leftName);
  people.set(dataset.right, dataset.rightName);
}
