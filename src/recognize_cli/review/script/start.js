// Begins where the last look ended.

document.documentElement.classList.add("scripts");
restore();
for (const [id, name] of Object.entries(plan.names)) {
  const card = byId(`person-${id}`);
  if (card) card.querySelector(".name").value = name;
}
show();
