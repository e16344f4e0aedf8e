// Handing the commands over.

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // forbidden, or no clipboard on such a page
  }
}

byId("copy").addEventListener("click", async () => {
  const area = byId("text");
  if (await copied(area.value)) {
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy"), 2000);
    say("Copied.");
    return;
  }
  byId("details").open = true;
  byId("plain").hidden = false;
  area.focus();
  area.select();
  say(document.execCommand("copy") ? "Copied." : "The browser does not let this page copy. The lines are selected.");
});
