// Comforts only: each page works without this file.
"use strict";

// The scripts' own words: translated where a language brings Django's catalogue, else as they stand.
globalThis.gettext ??= (words) => words;
globalThis.ngettext ??= (one, many, count) => (count === 1 ? one : many);
globalThis.interpolate ??= (words, values) => words.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

// The content policy forbids inline styles and eval; a refused form (422, 429) is shown where it stands.
if (globalThis.htmx) Object.assign(htmx.config, {
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  historyEnabled: false,
  defaultSettleDelay: 0, // a form that comes takes the focus at once, from a link that goes
  attributesToSettle: [], // else the height to which somebody drew a field comes back as an inline style
  scrollIntoViewOnBoost: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..|422|429", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});
{
  const find = (node, what) => node.querySelector(what);
  const place = (node) => node.closest("article, .compose"); // where a reply form opens

  // "3 hours ago" beside nothing older than a day; the exact time stays in the title.
  const absolute = new WeakMap(); // the words that were sent, for paper
  const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const tellTimes = () => {
    for (const time of document.querySelectorAll(".thread a > time, .teaser time")) {
      const minutes = Math.round((new Date(time.dateTime) - Date.now()) / 60000);
      if (minutes > 0 || minutes <= -1440) continue;
      if (!absolute.has(time)) absolute.set(time, time.textContent);
      const words = minutes > -60 ? ago.format(minutes, "minute") : ago.format(Math.ceil(minutes / 60), "hour");
      time.parentNode.ariaLabel &&= time.parentNode.ariaLabel.replace(time.textContent, words);
      time.textContent = words;
    }
  };
  addEventListener("beforeprint", () => {
    for (const time of document.querySelectorAll("time")) {
      if (absolute.has(time)) time.textContent = absolute.get(time);
    }
  });
  addEventListener("afterprint", () => tellTimes());
  tellTimes();
  setInterval(tellTimes, 60000);
  document.addEventListener("threadchange", tellTimes);

  // A reply is kept in this browser while it is typed and until the server has taken it, for two weeks.
  const KEPT = 14 * 86400000;
  const keyOf = (form) => "draft " + new URL(form.action).pathname;
  const drafts = {
    read(form) {
      const draft = JSON.parse(localStorage.getItem(keyOf(form)));
      return draft && Date.now() - draft.at < KEPT ? draft.text : "";
    },
    write(form, text) {
      if (text.trim()) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), text }));
      else localStorage.removeItem(keyOf(form));
    },
  };
  const replyForm = (node) => node.closest?.(".reply-form form");
  const quietly = (act) => { try { return act(); } catch { return undefined; } }; // storage may be forbidden
  const restore = (form) => {
    const text = find(form, "textarea");
    if (text && !text.value.trim()) text.value = quietly(() => drafts.read(form)) || text.value;
  };
  document.querySelectorAll(".reply-form form").forEach(restore);
  document.addEventListener("input", ({ target }) => {
    const form = target.matches("textarea") && replyForm(target);
    if (form) quietly(() => drafts.write(form, target.value));
  });

  // The reply form in its place: opened once, with the focus in it; put away with the focus back on "Reply".
  const enter = (opened) => {
    const fields = [...opened.querySelectorAll("input:not([type=hidden]), textarea")];
    (find(opened, "[aria-invalid=true]") ?? fields.find((field) => !field.value) ?? find(opened, "textarea"))?.focus();
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const open = event.target.matches("a") && find(place(event.target), ".reply-form");
    if (!open) return;
    event.preventDefault();
    enter(open);
  });
  document.addEventListener("htmx:load", ({ target }) => {
    if (!target.matches(".reply-form")) return;
    restore(find(target, "form"));
    enter(target);
  });
  document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    const form = replyForm(target);
    if (detail.successful) return;
    if (form) find(form.parentNode, "[data-unsent]").hidden = false;
    else if (target.href && detail.xhr.status) location.assign(target.href); // which says why
  });
  // The server has taken a reply. A thread puts it in its place (thread.js); any other page leads to it.
  document.addEventListener("posted", (event) => {
    quietly(() => drafts.write(event.target, ""));
    if (!event.defaultPrevented) location.assign(event.detail.url);
  });
  document.addEventListener("click", (event) => {
    const cancel = event.target.closest?.(".cancel");
    const opened = cancel && place(cancel);
    if (!opened) return;
    event.preventDefault();
    cancel.closest(".reply-form").remove();
    find(opened, 'a[rel="nofollow"]').focus();
  });

  // A comment that gets the focus is called by its heading.
  const callByHeading = ({ target }) => {
    if (target.matches(".thread article")) target.ariaLabel = find(target, "h3")?.textContent ?? null;
  };
  document.addEventListener("focusin", callByHeading);
  callByHeading({ target: document.activeElement ?? document.body }); // it may have had it from the start
  // After sending, and after any link to a comment, the focus is on that comment.
  const focusTarget = () => {
    const comment = location.hash && quietly(() => find(document, "article" + location.hash));
    if (!comment?.id) return;
    comment.tabIndex = -1;
    comment.focus({ preventScroll: true });
  };
  addEventListener("hashchange", focusTarget);
  focusTarget();

  // An open menu closes when one looks elsewhere.
  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(but)) menu.open = false;
  };
  document.addEventListener("click", ({ target }) => closeMenus(target));
  document.addEventListener("keydown", ({ key, target }) => {
    if (key !== "Escape") return;
    target.closest?.(".menu[open]")?.firstElementChild.focus();
    closeMenus(null);
  });
}
