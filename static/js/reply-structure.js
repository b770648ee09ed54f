// Reply structure: "Move…" opens its choices below the comment. Without this script it leads to a page with the same form.
"use strict";
{
  const list = document.getElementById("result_list");
  let panel = null; // the row with the choices
  let opener = null; // the link that opened it
  let request = null; // the one that loads the choices

  const closeChoices = () => {
    request?.abort();
    panel?.remove();
    if (opener) opener.ariaExpanded = "false";
    opener?.closest("tr").classList.remove("moving");
    panel = opener = request = null;
  };

  // Loads the page of the move, and shows its form below the comment of `link`.
  const showChoices = async (link, url, signal) => {
    const response = await fetch(url, { signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const section = page.getElementById("move");
    if (!response.ok || !section) throw new Error(response.status);
    if (signal.aborted) return;
    closeChoices();
    opener = link;
    panel = document.createElement("tr");
    panel.className = "move-panel";
    const cell = panel.insertCell();
    cell.colSpan = link.closest("tr").cells.length;
    cell.append(document.adoptNode(section));
    for (const form of panel.querySelectorAll("form")) form.action = link.href;
    link.ariaExpanded = "true";
    link.closest("tr").classList.add("moving");
    link.closest("tr").after(panel);
    panel.scrollIntoView({ block: "nearest" });
    (panel.querySelector("[type=radio]") ?? panel.querySelector("[type=search]")).focus();
  };
  const openChoices = async (link, url) => {
    request?.abort(); // the answer to an earlier press must not replace these choices
    request = new AbortController();
    const { signal } = request;
    try { await showChoices(link, url, signal); } catch { if (!signal.aborted) location.href = url; }
  };

  list?.addEventListener("click", (event) => {
    const link = event.target.closest("a.move");
    const isCancel = panel?.contains(event.target) && event.target.closest("[data-cancel]");
    if ((!link && !isCancel) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const last = opener;
    if (link && link !== last) return openChoices(link, link.href);
    closeChoices();
    last?.focus();
  });
  list?.addEventListener("submit", (event) => {
    if (event.target.method !== "get" || !panel?.contains(event.target)) return;
    event.preventDefault();
    const url = new URL(opener.href);
    for (const [name, value] of new FormData(event.target)) url.searchParams.set(name, value);
    openChoices(opener, url.href);
  });
  list?.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel?.contains(event.target)) {
      const last = opener;
      closeChoices();
      last.focus();
    }
    if (["ArrowLeft", "ArrowRight"].includes(event.key) && !panel?.contains(event.target)) closeChoices(); // the row may be hidden
    // The script of mptt opens a row's first link at Enter, also where another link or a button has the focus.
    if (event.key === "Enter" && event.target.closest("a, button, input, summary")) event.stopPropagation();
  }, true);
  // It measures the rows while one is dragged, and hides those of a collapsed comment, so the choices have to go first.
  document.addEventListener("mousedown", ({ target }) => {
    if (target.closest(".drag-handle, .tree-node, .object-tools")) closeChoices();
  }, true);

  // It gives the first row the focus, which would hide the row that was moved, and look like a selected one.
  django.jQuery(() => {
    if (list?.contains(document.activeElement)) document.activeElement.blur();
    const moved = list && /^#comment-\d+$/.test(location.hash) && document.querySelector(`tr${location.hash}`);
    if (!moved) return;
    let level = Number(moved.querySelector(".tree-node")?.dataset.level ?? 0);
    for (let row = moved; level && (row = row.previousElementSibling);) { // its ancestors may be collapsed
      const node = row.querySelector(".tree-node");
      if (Number(node.dataset.level) >= level) continue;
      level = Number(node.dataset.level);
      if (node.matches(".closed")) node.click();
    }
    moved.tabIndex = -1;
    moved.focus();
    moved.scrollIntoView({ block: "center" });
  });
}
