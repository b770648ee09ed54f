// The deselected comments of a group: counts the selected ones, and restores the selection when the browser goes back.
"use strict";
const members = document.querySelector(".members");
if (members) {
  const key = "without " + members.dataset.group;
  const fromServer = members.dataset.without; // "12.345", in order, as the server knows them
  const save = (without) => tryStorage(() => sessionStorage.setItem(key, without));
  const inOrder = (numbers) => [...numbers].sort((a, b) => a - b).join(".");

  members.addEventListener("change", () => {
    const without = new Set(fromServer.split(".").filter(Boolean));
    for (const { checked, value } of members.querySelectorAll("[name=in]")) without[checked ? "delete" : "add"](value);
    save(inOrder(without));
    const selected = members.querySelector("[data-total]");
    const count = Math.max(0, selected.dataset.total - without.size);
    selected.querySelector("b").textContent = count.toLocaleString(document.documentElement.lang);
  });

  // After a decision the next group opens with its buttons in the same place. A second press of a double click, or a key
  // that is held down, must not decide on that group too.
  if (document.querySelector(".undo")) {
    const buttons = members.querySelectorAll(".bulk button");
    for (const button of buttons) button.disabled = true;
    setTimeout(() => { for (const button of buttons) button.disabled = false; }, 1000);
  }

  addEventListener("pageshow", ({ persisted }) => {
    const navigation = performance.getEntriesByType("navigation")[0]?.type;
    if (!persisted && navigation === "navigate") { save(fromServer); return; }
    const without = tryStorage(() => sessionStorage.getItem(key));
    if ((without ?? fromServer) === fromServer) return;
    const url = new URL(location);
    url.searchParams.set("without", without);
    location.replace(url);
  });
}
