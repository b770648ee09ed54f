// Reply structure: "Move…" opens its choices below the comment. Without this script it leads to a page with the same form.
"use strict";
{
  const list = document.getElementById("result_list");
  let panel = null; // the row with the choices
  let opener = null; // the link that opened it

  const close = () => {
    panel?.remove();
    opener?.closest("tr").classList.remove("moving");
    panel = opener = null;
  };

  // Loads the page of the move, and shows its form below the comment of `link`.
  const show = async (link, url) => {
    const response = await fetch(url);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const section = page.getElementById("move");
    if (!response.ok || !section) throw new Error(response.status);
    close();
    opener = link;
    panel = document.createElement("tr");
    panel.className = "move-panel";
    const cell = panel.insertCell();
    cell.colSpan = link.closest("tr").cells.length;
    cell.append(document.adoptNode(section));
    for (const form of panel.querySelectorAll("form")) form.action = link.href;
    link.closest("tr").classList.add("moving");
    link.closest("tr").after(panel);
    panel.scrollIntoView({ block: "nearest" });
    (panel.querySelector("[type=radio]") ?? panel.querySelector("[type=search]")).focus();
  };
  const open = (link, url) => show(link, url).catch(() => { location.href = url; });

  list?.addEventListener("click", (event) => {
    const link = event.target.closest("a.move");
    const isCancel = panel?.contains(event.target) && event.target.closest("a.btn-quiet");
    if ((!link && !isCancel) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const last = opener;
    if (link && link !== last) return open(link, link.href);
    close();
    last?.focus();
  });
  list?.addEventListener("submit", (event) => {
    if (event.target.method !== "get" || !panel?.contains(event.target)) return;
    event.preventDefault();
    const url = new URL(opener.href);
    for (const [name, value] of new FormData(event.target)) url.searchParams.set(name, value);
    open(opener, url.href);
  });
  list?.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel?.contains(event.target)) {
      const last = opener;
      close();
      last.focus();
    }
    // The script of mptt opens a row's first link at Enter, also where another link or a button has the focus.
    if (event.key === "Enter" && event.target.closest("a, button, input, summary")) event.stopPropagation();
  }, true);
  // It measures the rows while one is dragged, so the choices have to go first.
  document.addEventListener("mousedown", ({ target }) => { if (target.closest(".drag-handle")) close(); }, true);

  // It gives the first row the focus, which would hide the row that was moved, and look like a selected one.
  django.jQuery(() => {
    if (list?.contains(document.activeElement)) document.activeElement.blur();
    const moved = /^#comment-\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (moved) moved.scrollIntoView({ block: "center" });
  });
}
