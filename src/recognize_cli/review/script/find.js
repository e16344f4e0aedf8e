// Finding people by name or number.

const plainly = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
function find(text) {
  const wanted = plainly(text.trim());
  let count = 0;
  for (const card of cards) {
    const { person, name } = card.dataset;
    card.hidden = !plainly(`${name || "person"} ${person}`).includes(wanted);
    count += !card.hidden;
  }
  byId("found").textContent = wanted ? `${number(count, "person", "people")} found` : "";
}
search.addEventListener("input", () => find(search.value));
search.addEventListener("focus", () => search.select());
