// Reply structure: "Move…" opens its choices below the comment. Without this script it leads to a page with the same form.
"use strict";
{
  const list = document.getElementById("result_list");
  let panel = null; // the row with the choices
  let opener = null; // the link that opened it
  let choicesUrl = null; // from which they were loaded
  let request = null; // the one that loads the choices

  const closeChoices = () => {
    request?.abort();
    panel?.remove();
    if (opener) opener.ariaExpanded = "false";
    opener?.closest("tr").classList.remove("moving");
    panel = opener = choicesUrl = request = null;
  };

  // Returns the form of the page of the move. A refused choice has status 422.
  const loadChoices = async (url) => {
    request?.abort(); // the answer to an earlier press must not replace these choices
    request = new AbortController();
    const { signal } = request;
    const response = await fetch(url, { signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const section = page.getElementById("move");
    if (!section || !(response.ok || response.status === 422)) throw new Error(response.status);
    signal.throwIfAborted();
    return section;
  };
  // Shows the form below the comment of `link`.
  const showChoices = (link, url, section) => {
    closeChoices();
    opener = link;
    choicesUrl = url;
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
    const focusable = ["[aria-invalid]", "[role=alert]", "[type=radio]", "[type=search]"];
    focusable.map((selector) => panel.querySelector(selector)).find(Boolean).focus();
  };
  const openChoices = async (link, url) => {
    try {
      showChoices(link, url, await loadChoices(url));
    } catch (error) {
      if (error.name !== "AbortError") location.href = url;
    }
  };
  // Asks about the choice before it is sent: an error or a warning would otherwise leave the tree for a page with it.
  const sendChoice = async (form) => {
    const url = new URL(choicesUrl);
    const fields = new FormData(form);
    fields.delete("csrfmiddlewaretoken");
    for (const [name, value] of fields) url.searchParams.set(name, value);
    try {
      const section = await loadChoices(url);
      if (section.querySelector("[aria-invalid], [role=alert]")) showChoices(opener, choicesUrl, section);
      else form.submit();
    } catch (error) {
      if (error.name !== "AbortError") form.submit(); // its answer says what is wrong
    }
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
    if (!panel?.contains(event.target)) return undefined;
    event.preventDefault();
    if (event.target.method !== "get") return sendChoice(event.target);
    const url = new URL(opener.href);
    for (const [name, value] of new FormData(event.target)) url.searchParams.set(name, value);
    return openChoices(opener, url.href);
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
