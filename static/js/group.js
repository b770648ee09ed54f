// The deselected comments of a group: counts the selected ones, and restores the selection when the browser goes back.
"use strict";
const members = document.querySelector(".members");
if (members) {
  const quietly = (act) => { try { return act(); } catch { return null; } }; // storage may be forbidden
  const key = "but " + members.dataset.group;
  const told = members.dataset.but; // "12.345", in order, as the server knows them
  const save = (but) => quietly(() => sessionStorage.setItem(key, but));
  const inOrder = (numbers) => [...numbers].sort((a, b) => a - b).join(".");

  members.addEventListener("change", () => {
    const but = new Set(told.split(".").filter(Boolean));
    for (const { checked, value } of members.querySelectorAll("[name=in]")) but[checked ? "delete" : "add"](value);
    save(inOrder(but));
    const selected = members.querySelector("[data-total]");
    const count = Math.max(0, selected.dataset.total - but.size);
    selected.querySelector("b").textContent = count.toLocaleString(document.documentElement.lang);
  });

  addEventListener("pageshow", ({ persisted }) => {
    const came = performance.getEntriesByType("navigation")[0]?.type;
    if (!persisted && came === "navigate") { save(told); return; }
    const but = quietly(() => sessionStorage.getItem(key));
    if (but === null || but === told) return;
    const url = new URL(location);
    url.searchParams.set("but", but);
    location.replace(url);
  });
}
