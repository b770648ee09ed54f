// Keys for the queue, while the focus is in it. Each presses what the page has anyway.
"use strict";
{
  const queue = () => document.getElementById("queue");
  const cards = () => [...document.querySelectorAll("#queue .card")];
  const current = () => document.activeElement?.closest("#queue .card");
  const types = (node) => node.matches("textarea, select, input:not([type=checkbox])") || node.isContentEditable;

  let place = 0; // of the card on which the last act was taken: the focus comes back there
  const go = (index) => {
    const all = cards();
    const card = all[Math.max(0, Math.min(index, all.length - 1))];
    (card ?? queue()).focus();
    card?.scrollIntoView({ block: "nearest" });
  };
  // What the next act is for: all that are ticked, or without a tick the card that has the focus.
  const subject = () => (document.querySelector("#queue .tick :checked") ? document.getElementById("bulk") : current());
  const press = (selector) => subject()?.querySelector(selector)?.click();

  const keys = {
    j: () => go(current() ? cards().indexOf(current()) + 1 : 0),
    k: () => go(cards().indexOf(current()) - 1),
    a: () => press("button[value=approved]"),
    s: () => press("button[value=spam]"),
    r: () => subject()?.querySelector("select").focus(),
    x: () => current()?.querySelector("input[type=checkbox]").click(),
    u: () => document.querySelector("#queue .undo button")?.click(),
    "?": () => {
      const shown = document.querySelector("#queue .keys");
      shown.hidden = !shown.hidden;
    },
  };

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !target.closest?.("#queue")) return;
    if (target.matches("select[name=reason]")) {
      // Enter in the reasons of a card removes it; Escape goes back to the card.
      if (key === "Enter") target.previousElementSibling.click();
      else if (key === "Escape") target.closest(".card")?.focus();
      else return;
      event.preventDefault();
      return;
    }
    if (types(target) || !keys[key]) return;
    event.preventDefault();
    keys[key]();
  });

  document.addEventListener("submit", ({ target }) => {
    if (target.closest("#queue")) place = cards().indexOf(current() ?? target.closest(".card"));
  });
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (queue() && target === document.body) go(place);
  });
}
