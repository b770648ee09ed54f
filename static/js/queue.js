// Keyboard shortcuts of the queue, and prefetching of the next case. Each key presses a button that the page has.
"use strict";
if (document.querySelector(".queue")) {
  const find = (selector, node = document) => node.querySelector(selector);
  const all = (selector, node = document) => [...node.querySelectorAll(selector)];
  const queue = () => find(".queue");
  const card = (node = document) => find(".card", node);
  const absoluteUrl = (url) => { // the absolute URL without the parameter "done"
    const absolute = new URL(url, location.href);
    absolute.searchParams.delete("done");
    return absolute.href;
  };

  // An unfinished note is stored in this tab, for the person who typed it, until it is among the saved notes, even if the
  // comment is decided meanwhile or the site refuses it.
  const note = () => find(".notes textarea"), { user } = document.currentScript.dataset;
  const keyOf = (field) => `note ${user} ${field.closest(".card").id}`;
  const withoutSpaces = (text) => text.replace(/\s+/g, "");
  const restoreNote = () => {
    const begun = note() && tryStorage(() => sessionStorage.getItem(keyOf(note())));
    if (!begun) return;
    const isThere = all(".notes > div > [dir]").some((savedNote) => withoutSpaces(savedNote.textContent) === withoutSpaces(begun));
    if (isThere) tryStorage(() => sessionStorage.removeItem(keyOf(note())));
    else note().value ||= begun;
  };
  document.addEventListener("input", ({ target }) => {
    if (target === note()) tryStorage(() => sessionStorage.setItem(keyOf(target), target.value));
  });

  // Back leads to no bar with Undo of an earlier action.
  const forgetDone = () => history.replaceState(null, "", absoluteUrl(location.href));

  let shownUrl = ""; // the address of the page that is shown
  let latestRequest = 0; // counts the actions: only the response to the latest one replaces the page

  // Loads a page of the queue. After an action `urlWithDone` names it, so that a reload shows the bar with Undo again.
  const fetchPage = async (url, how) => {
    const answer = await fetch(url, how);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !find(".queue", page)) throw new Error(answer.status);
    return { url: absoluteUrl(answer.url), urlWithDone: answer.url, page };
  };
  let next = {}; // the URL of the next comment, and its page once loaded; preloading claims nothing
  const prefetchNext = () => {
    const url = queue().dataset.ahead && absoluteUrl(queue().dataset.ahead);
    if (!url || next.url === url) return;
    const prefetched = (next = { url });
    fetchPage(url, { headers: { "Soundoff-Ahead": "1" } }).then(({ page }) => { prefetched.page = page; }, () => {});
  };

  // Ticked boxes and the setting of the shortcuts stay from one page to the next.
  const areShortcutsOff = () => tryStorage(() => localStorage.getItem("keys")) === "off";
  const updateShortcutPanel = () => {
    queue().dataset.keys = areShortcutsOff() ? "off" : "on";
    const panel = find(".keys");
    panel.hidden = false;
    find("button", panel).textContent = areShortcutsOff() ? gettext("Turn shortcuts on") : gettext("Turn shortcuts off");
    find("button", panel).ariaPressed = String(areShortcutsOff());
  };
  const ticked = () => all(".rows .tick :checked").map((box) => box.value);
  const tick = (ids) => {
    for (const box of all(".rows .tick input")) box.checked = ids.includes(box.value);
  };
  // Shows the messages of a response at the top until the next action, since it may arrive later than the next page.
  const showMessages = (page) => {
    const messages = find("body > .messages", page);
    if (messages) find("main").before(document.importNode(messages, true));
  };
  // The badge of the masthead says how many comments wait.
  const showBadge = (page) => {
    const badge = find(".to-queue", page);
    if (badge) find(".to-queue")?.replaceWith(document.importNode(badge, true));
  };
  const showWarning = (text) => {
    const box = document.createElement("div"), alert = document.createElement("p");
    box.className = "messages wrap";
    box.role = "alert";
    alert.className = "alert alert-danger";
    alert.textContent = text;
    box.append(alert);
    find("main").before(box);
  };
  // Screen readers announce only changes of a status, so the bar "Approved. Undo" is filled once it is on the page.
  const announceDone = () => {
    const bar = find("#queue .undo"), parts = [...(bar?.childNodes ?? [])];
    bar?.replaceChildren();
    setTimeout(() => bar?.replaceChildren(...parts));
  };
  const startRequest = () => {
    for (const box of all("body > .messages")) box.remove();
    return ++latestRequest;
  };

  const row = () => find(".rows li:has([aria-current])");
  // On a wide screen the list scrolls by itself: its row of the open comment is scrolled into it.
  const showRow = () => {
    if (getComputedStyle(find(".rows")).overflowY === "auto") row()?.scrollIntoView({ block: "nearest" });
  };
  const show = (page, url, { push = true } = {}) => {
    const ids = ticked();
    if (push && url !== absoluteUrl(location.href)) {
      forgetDone();
      history.pushState(null, "", url);
    }
    shownUrl = location.href;
    showMessages(page);
    showBadge(page);
    document.title = page.title;
    const { scrollTop } = find(".rows");
    queue().replaceWith(document.importNode(find(".queue", page), true));
    announceDone();
    find(".rows").scrollTop = scrollTop;
    showRow();
    tick(ids);
    updateShortcutPanel();
    restoreNote();
    (card() ?? find("#queue")).focus({ preventScroll: true });
    if (find("#queue").getBoundingClientRect().top < 0) find("#queue").scrollIntoView();
    prefetchNext();
  };
  const showBar = (page) => { // "Approved. Undo"
    const bar = find("#queue .undo", page);
    if (!bar) return;
    find("#queue .undo")?.remove();
    (find(".card-footer") ?? find("#queue")).prepend(document.importNode(bar, true));
    announceDone();
  };
  // Updates a page that is already shown, except for the card, in which the moderator may be reading or typing.
  const refresh = (page, url) => {
    const seen = (node) => find("input[name=seen]", node)?.value;
    const isSameUrl = url === absoluteUrl(location.href);
    if (!isSameUrl || card()?.id !== card(page)?.id || !card() || seen(card()) !== seen(card(page))) {
      return show(page, url);
    }
    const ids = ticked();
    showMessages(page);
    showBadge(page);
    document.title = page.title;
    const newQueue = document.importNode(find(".queue", page), true);
    for (const part of [".queue > header", ".queues", ".rows"]) {
      if (!find(part).contains(document.activeElement)) find(part).replaceWith(find(part.replace(".queue > ", ""), newQueue));
    }
    showBar(newQueue);
    find(".card > .note")?.remove();
    const cardNote = find(".card > .note", newQueue);
    if (cardNote) card().prepend(cardNote);
    const nextUrl = find(".card .action-bar input[name=next]", newQueue)?.value;
    for (const field of all(".card .action-bar input[name=next]")) field.value = nextUrl;
    const [link, newLink] = [find(".card a[rel=next]"), find(".card a[rel=next]", newQueue)];
    if (link && newLink) link.href = newLink.href;
    else link?.remove();
    queue().dataset.ahead = newQueue.dataset.ahead ?? "";
    tick(ids);
    prefetchNext();
  };
  const visit = async (address, { push = true } = {}) => {
    const url = absoluteUrl(address), request = startRequest();
    const isPrefetched = next.url === url && next.page;
    if (isPrefetched) show(next.page, url, { push });
    try {
      const answer = await fetchPage(url);
      if (request !== latestRequest) return;
      if (isPrefetched) refresh(answer.page, answer.url);
      else show(answer.page, answer.url, { push });
    } catch {
      if (!isPrefetched && request === latestRequest) location.assign(url); // that page shows the reason
    }
  };
  const sent = new WeakSet(), sentAsPage = new WeakSet();
  const sendAction = async (form, button) => {
    if (sent.has(form)) return;
    sent.add(form);
    const data = new FormData(form, button), queueBefore = queue(), urlBefore = location.href, request = startRequest();
    const url = form.closest(".card .action-bar") && absoluteUrl(data.get("next"));
    const isPrefetched = url && next.url === url && next.page;
    if (isPrefetched) show(next.page, url);
    try {
      const answer = await fetchPage(form.action, { method: "POST", body: data });
      if (request === latestRequest) {
        (isPrefetched ? refresh : show)(answer.page, answer.url);
        history.replaceState(null, "", answer.urlWithDone);
        shownUrl = location.href;
        return;
      }
      showMessages(answer.page);
      showBar(answer.page);
    } catch (error) {
      sent.delete(form);
      if (request === latestRequest && isPrefetched) {
        history.replaceState(null, "", urlBefore);
        shownUrl = urlBefore;
        queue().replaceWith(queueBefore);
        card()?.focus({ preventScroll: true });
      }
      const isOtherPage = /^\d{3}$/.test(error.message); // why the site refused it
      const hasText = [...form.elements].some((field) => field.matches("textarea") && field.value);
      if (isOtherPage && form.isConnected && !hasText) {
        sentAsPage.add(form);
        form.requestSubmit(button);
        return;
      }
      showWarning(isOtherPage
        ? gettext("This may not have been saved. You may have been logged out: log in in another window, and try again; nothing is done twice.")
        : gettext("The site did not answer, so this may not have been saved. Please try again; nothing is done twice."));
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented || sentAsPage.has(form) || !form.matches(".queue .undo form, .queue #bulk, .queue .action-bar > form, .queue .remove form")) return;
    const back = form.elements.next?.value;
    if (back && !back.startsWith(location.pathname.split("/", 2).join("/"))) return; // it leads to another page
    event.preventDefault();
    sendAction(form, button);
  });
  document.addEventListener("click", (event) => {
    const { target } = event;
    const link = target.closest?.(".rows ol a, .card a[rel=next]");
    if (target.closest?.(".keys button")) {
      tryStorage(() => (areShortcutsOff() ? localStorage.removeItem("keys") : localStorage.setItem("keys", "off")));
      updateShortcutPanel();
    } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      visit(link.href);
    }
  });
  // A link to a part of this page, such as the list on a phone, changes the address as well.
  const withoutHash = (url) => url.split("#")[0];
  addEventListener("popstate", () => {
    if (withoutHash(location.href) === withoutHash(shownUrl)) return;
    forgetDone();
    visit(location.href, { push: false });
  });

  // The next action applies to all ticked comments, or to the open one if none is ticked.
  const subject = () => (ticked().length ? find("#bulk") : card());
  const click = (what) => find(what)?.click();
  const clickWithin = (node, what) => node && find(what, node)?.click();
  const keys = {
    j: () => click(card() ? ".card a[rel=next]" : ".rows ol a"),
    k: () => {
      let before = row()?.previousElementSibling;
      while (before?.matches(".taken")) before = before.previousElementSibling;
      clickWithin(before, "a");
    },
    a: () => clickWithin(subject(), "button[value=approved]"),
    s: () => clickWithin(subject(), "button[value=spam]"),
    r: () => {
      const node = subject();
      if (!node) return;
      const list = find("details.remove", node);
      if (list) list.open = true;
      find("details.remove [type=radio], select[name=reason]", node)?.focus();
    },
    x: () => clickWithin(row(), "input[type=checkbox]"),
    u: () => click("#queue .undo button"),
    p: () => click(".card a.to-person"),
    o: () => click(".card a.to-similar"),
    "?": () => {
      const panel = find(".keys");
      panel.open = !panel.open;
      if (panel.open) panel.lastElementChild.scrollIntoView({ block: "nearest" });
    },
  };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.closest?.(".menu[open]:not(.keys), dialog")) return; // wherever else the focus is, the keys work
    if (key === "Escape" && target.closest?.("details.remove")) {
      target.closest("details.remove").open = false;
      card().focus();
    } else if (key === "Enter" && target.matches("#bulk select")) {
      event.preventDefault();
      target.previousElementSibling.click();
    }
    if (areShortcutsOff() || target.matches("textarea, select, input:not([type=checkbox])") || target.isContentEditable) return;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  });

  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted && performance.getEntriesByType("navigation")[0]?.type !== "back_forward") return;
    forgetDone();
    shownUrl = location.href;
    find("#queue .undo")?.remove();
  });
  shownUrl = location.href;
  updateShortcutPanel();
  restoreNote();
  showRow();
  prefetchNext();
}
