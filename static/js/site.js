// Enhancements of all pages. Each page also works without this file.
"use strict";

// Without Django's JavaScript catalogue, texts are not translated.
globalThis.gettext ??= (words) => words;
globalThis.ngettext ??= (one, many, count) => (count === 1 ? one : many);
globalThis.interpolate ??= (words, values) => words.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

// The browser's storage may be forbidden or full.
globalThis.tryStorage = (action) => { try { return action(); } catch { return undefined; } };
// The token that Django demands of a POST. After a log-in in another window the cookie has a new one, and the form of this
// page still the old one.
globalThis.csrfToken = (form) => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;
// Lists by address, as {address: [value, …]}, of the `limit` addresses that were written last.
globalThis.storedLists = (storage, key, limit) => {
  const all = () => tryStorage(() => JSON.parse(globalThis[storage].getItem(key))) ?? {};
  return {
    read: (address) => all()[address] ?? [],
    write(address, list) {
      const entries = Object.entries(all()).filter(([other]) => other !== address).slice(1 - limit);
      if (list) entries.push([address, list]);
      tryStorage(() => {
        if (entries.length) globalThis[storage].setItem(key, JSON.stringify(Object.fromEntries(entries)));
        else globalThis[storage].removeItem(key);
      });
    },
  };
};

// The content policy forbids inline styles and eval. A rejected form (422, 429) is swapped into its place.
if (globalThis.htmx) Object.assign(htmx.config, {
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  historyEnabled: false,
  defaultSettleDelay: 0, // a loaded form takes the focus at once: the link that had it is removed
  attributesToSettle: [], // otherwise the height of a resized field would return as an inline style
  scrollIntoViewOnBoost: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..|422|429", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});
{
  const find = (node, selector) => node.querySelector(selector);
  const place = (node) => node.closest("article, .compose"); // the element in which a reply form opens

  // Relative times, such as "3 hours ago", for everything of the last day. The exact time stays in the title.
  const absolute = new WeakMap(); // the absolute times, for printing
  let relative; // Intl.RelativeTimeFormat, which takes a slow phone 0.1 s to make
  const showTime = (time, text) => {
    time.parentNode.ariaLabel &&= time.parentNode.ariaLabel.replace(time.textContent, text);
    time.textContent = text;
  };
  const updateTimes = () => {
    for (const time of document.querySelectorAll(".thread a > time, .teaser time")) {
      const minutesPassed = Math.floor((Date.now() - new Date(time.dateTime)) / 60000);
      if (minutesPassed < -1 || minutesPassed > 1440) {
        if (absolute.has(time)) showTime(time, absolute.get(time)); // the page has been open for a day
        absolute.delete(time);
        continue;
      }
      const minutes = Math.min(0, 1 - minutesPassed); // from the end of that minute, as `datetime` has no seconds
      relative ??= new Intl.RelativeTimeFormat(`${document.documentElement.lang}-u-nu-latn`, { numeric: "auto" });
      if (!absolute.has(time)) absolute.set(time, time.textContent);
      const recent = minutes > -60 ? relative.format(minutes, "minute") : relative.format(Math.ceil(minutes / 60), "hour");
      showTime(time, minutes ? recent : gettext("just now"));
    }
  };
  addEventListener("beforeprint", () => {
    for (const time of document.querySelectorAll("time")) {
      if (absolute.has(time)) time.textContent = absolute.get(time);
    }
  });
  addEventListener("afterprint", () => updateTimes());
  addEventListener("load", () => updateTimes()); // after the first paint
  setInterval(updateTimes, 60000);
  document.addEventListener("threadchange", updateTimes);

  // Where the navigation is wider than the screen, its current entry is shown.
  for (const current of document.querySelectorAll(".sections [aria-current]")) {
    const list = current.parentElement;
    list.scrollBy(current.getBoundingClientRect().x - list.getBoundingClientRect().x - list.clientWidth / 3, 0);
  }

  // The draft of a reply is stored in this browser until the server accepts it, for two weeks at most. That of a member
  // has their id, so that no other person at this computer gets it. A guest's becomes that of the member who logs in. An
  // edited comment has no id, as only its author sees the form. Its draft has the revision that the form showed, so that
  // the site can say if another text was saved meanwhile.
  const MAX_AGE = 14 * 86400000;
  const keyOf = (form, owner = form.parentNode.dataset.owner ?? "") => `draft ${new URL(form.action).pathname} ${owner}`.trim();
  const isEdit = (form) => !form.action.includes("/reply/");
  const drafts = {
    read(form) {
      const [key, guest] = [keyOf(form), keyOf(form, "")];
      const draft = JSON.parse(localStorage.getItem(key) ?? localStorage.getItem(guest));
      if (key !== guest && draft && !localStorage.getItem(key)) {
        localStorage.setItem(key, JSON.stringify(draft));
        localStorage.removeItem(guest);
      }
      return draft && Date.now() - draft.at < MAX_AGE ? draft : null;
    },
    write(form, text, values) {
      if (text.trim()) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), text, ...values }));
      else localStorage.removeItem(keyOf(form));
    },
    // Notes that the site has this text of a member. Until then a log-out leaves it here.
    confirm(form, text) {
      const draft = this.read(form);
      if (draft?.text === text) this.write(form, text, { ...draft, saved: true });
    },
    // Notes that the form was closed by "Cancel", so that it does not open by itself. The changes of a comment are dropped
    // then: its form would show them as its text.
    close(form) {
      const draft = this.read(form);
      if (draft) this.write(form, isEdit(form) ? "" : draft.text, { ...draft, closed: true });
    },
    // Returns the newest draft of a guest or `owner` below this path, with the path of its form (place). If it is not
    // closed, it was written after `since`. One that the site had is left out unless the site offers it at `offered`.
    newest(path, since, owner, offered) {
      const found = Object.entries(localStorage)
        .map(([key, draft]) => [draft, ...key.split(" ")])
        .filter(([, kind, place, by]) => kind === "draft" && place.startsWith(path) && (!by || by === owner))
        .map(([draft, , place]) => ({ ...JSON.parse(draft), place }))
        .filter(({ saved, place }) => !saved || place === offered)
        .filter(({ at, closed }) => at > Math.max(closed ? 0 : since, Date.now() - MAX_AGE));
      return found.sort((a, b) => b.at - a.at)[0];
    },
  };
  globalThis.replyDrafts = drafts;
  const replyForm = (node) => node.closest?.(".reply-form form");
  // Returns the draft of an edited comment if the form that is opened does not have its text. The site then compares the
  // revision of the draft with that of the text that is saved.
  const unsavedEdit = (form, text, draft) => {
    const { revision } = form.elements;
    if (!text.dataset.at) { // sent back with what was typed in this window, and perhaps with a newer revision
      drafts.write(form, text.value, { revision: revision.value });
      return null;
    }
    if (!draft || draft.text === text.defaultValue) {
      drafts.write(form, "");
      return null;
    }
    // A draft of the previous version has the time at which its text was stored. Revision 1 makes the site show both texts.
    revision.value = draft.revision ?? (draft.stored === text.dataset.at ? revision.value : 1);
    return draft;
  };
  const restore = (form, isNewForm) => {
    const text = find(form, "textarea");
    let draft = text && tryStorage(() => drafts.read(form));
    if (draft?.saved && isNewForm && !text.value.trim() && !text.dataset.at) { // posted or discarded on another device
      tryStorage(() => drafts.write(form, ""));
      draft = null;
    }
    if (text && isEdit(form)) draft = tryStorage(() => unsavedEdit(form, text, draft));
    if (draft && (isEdit(form) || !text.value.trim() || draft.at > text.dataset.at)) text.value = draft.text; // later than the site's
    return draft?.text;
  };
  for (const form of document.querySelectorAll(".reply-form form")) {
    const draft = restore(form, performance.getEntriesByType("navigation")[0]?.type !== "back_forward"); // else maybe an old page
    const text = find(form, "textarea");
    if (text?.value.trim() && text.value !== draft && !isEdit(form)) tryStorage(() => drafts.write(form, text.value, { at: Date.now() - 86400000 })); // undone: not opened on later visits
  }
  document.addEventListener("input", ({ target }) => {
    const form = target.matches("textarea") && replyForm(target);
    if (form) tryStorage(() => drafts.write(form, target.value, isEdit(form) ? { revision: form.elements.revision.value } : {}));
  });

  // Before somebody presses “Send again”, they have often logged in in another tab, which makes the token of this page old.
  document.addEventListener("submit", ({ target }) => {
    const token = target.matches("[data-again]") && target.elements.csrfmiddlewaretoken;
    if (token) token.value = csrfToken(target);
  });
  document.addEventListener("submit", ({ target, submitter }) => tryStorage(() => {
    const path = new URL(target.action).pathname;
    for (const key of Object.keys(localStorage)) {
      const [kind, place, owner] = key.split(" ");
      if (kind !== "draft") continue;
      const isLogout = owner && path.endsWith("/logout/") && JSON.parse(localStorage.getItem(key)).saved;
      if (submitter?.name === "discard" ? place === path : isLogout) localStorage.removeItem(key);
    }
    if (target.matches("[data-again]") || (replyForm(target) && isEdit(target))) sessionStorage.setItem("sent", path);
  }));
  // The page of a comment that was changed, or posted by "Send again" on another page, deletes its draft.
  tryStorage(() => {
    const sent = sessionStorage.getItem("sent"), owner = find(document, "[data-member]")?.dataset.member ?? "";
    sessionStorage.removeItem("sent");
    if (!sent || !location.hash.startsWith("#comment-") || new URL(document.referrer).pathname !== sent) return;
    for (const by of ["", owner]) localStorage.removeItem(`draft ${sent} ${by}`.trim());
  });

  // The inline reply form opens once and takes the focus. When it is closed, the focus returns to "Reply".
  const enter = (opened) => {
    const fields = [...opened.querySelectorAll("input:not([type=hidden]), textarea")];
    (find(opened, "[autofocus], [aria-invalid=true]") ?? fields.find((field) => !field.value) ?? find(opened, "textarea"))?.focus();
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const open = event.target.matches("a") && find(place(event.target), ".reply-form");
    if (!open) return;
    event.preventDefault();
    enter(open);
  });
  document.addEventListener("htmx:load", ({ target }) => {
    if (!target.matches(".reply-form")) return;
    restore(find(target, "form"), true);
    const text = find(target, "textarea");
    text?.setSelectionRange(text.value.length, text.value.length); // of a draft of the site it would be at the start
    enter(target);
    find(target, "[role=alert]:not([hidden])")?.scrollIntoView({ block: "nearest" }); // it is above the focused text
    import(target.dataset.script);
  });
  document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    const form = replyForm(target);
    if (detail.successful) return;
    const { status } = detail.xhr;
    if (form && [403, 404].includes(status)) { // sent without htmx, it gets the page that says why and repeats the text
      const { name, value } = detail.requestConfig.triggeringEvent?.submitter ?? {};
      const button = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      if (name) form.append(button);
      form.submit();
      button.remove(); // the browser's Back shows this page again
    } else if (form) find(form.parentNode, "[data-unsent]").hidden = false;
    else if (target.href && status) location.assign(target.href); // that page shows the reason
  });
  // The server accepted a reply. thread.js inserts it into a thread; other pages navigate to it.
  document.addEventListener("posted", (event) => {
    tryStorage(() => drafts.write(event.target, ""));
    if (!event.defaultPrevented) location.assign(event.detail.url);
  });
  document.addEventListener("click", (event) => {
    const cancel = event.target.closest?.(".cancel");
    if (cancel) tryStorage(() => drafts.close(find(cancel.closest(".reply-form"), "form")));
    const opened = cancel && place(cancel);
    if (!opened) return;
    event.preventDefault();
    cancel.closest(".reply-form").remove();
    find(opened, 'a[rel="nofollow"]')?.focus(); // there is none if the comment is gone meanwhile
  });

  // A focused comment gets its heading as its label.
  const labelByHeading = ({ target }) => {
    if (target.matches(".thread article")) target.ariaLabel = find(target, "h3")?.textContent ?? null;
  };
  document.addEventListener("focusin", labelByHeading);
  labelByHeading({ target: document.activeElement ?? document.body }); // the comment may have had the focus from the start
  // After posting a comment or following a link to one, that comment gets the focus.
  const focusTarget = () => {
    const comment = document.getElementById(location.hash.slice(1));
    if (!comment?.matches("article")) return;
    comment.tabIndex = -1;
    comment.focus({ preventScroll: true });
  };
  addEventListener("hashchange", focusTarget);
  focusTarget();

  // A click elsewhere or Escape closes an open menu.
  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(but)) menu.open = false;
  };
  globalThis.closeMenuOf = (node) => { // and the focus returns to what has opened it
    const menu = node.closest?.(".menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.firstElementChild.focus();
  };
  document.addEventListener("click", ({ target }) => closeMenus(target));
  // A menu that opens at the end of the screen is scrolled into it. "Find in this discussion" focuses its field.
  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.matches(".thread .menu")) target.lastElementChild.scrollIntoView({ block: "nearest" });
    if (target.open && target.matches(".find")) find(target, "input").focus();
  }, true);
  document.addEventListener("keydown", ({ key, target }) => {
    if (key !== "Escape") return;
    closeMenuOf(target);
    closeMenus(null);
  });
}
