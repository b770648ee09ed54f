// Updates a thread in place: other orders, more comments, and new comments while the page is open.
"use strict";
{
  // The place of a comment that was just deleted is shown once, and not after a reload.
  const pageUrl = new URL(location.href);
  if (pageUrl.searchParams.has("deleted")) {
    pageUrl.searchParams.delete("deleted");
    history.replaceState(history.state, "", pageUrl);
  }
  // After a moderator's action the fragment only keeps the place: a reload and Back do not mark the neighbour again.
  // All scripts have read it by then, and the browser scrolls to it when it draws the page, before the second frame.
  if (document.querySelector("body > .messages > .undo")) {
    const removeFragment = () => history.replaceState(history.state, "", location.pathname + location.search);
    addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => requestAnimationFrame(removeFragment)));
  }

  const discussion = document.querySelector(".talk");
  const part = () => discussion.querySelector(".part");
  const listOf = (node) => node.querySelector(":scope > ol");
  const moreOf = (node) => node.querySelector(":scope > .more");
  const numberOf = ({ id }) => Number(id.slice("comment-".length));
  const articles = (node) => [...node.querySelectorAll(".thread article")];
  const make = (name, className, text = "") => {
    const node = document.createElement(name);
    node.className = className;
    node.textContent = text;
    if (name === "button") node.type = "button";
    return node;
  };
  const status = make("p", "sr-only");
  status.ariaLive = "polite";
  const noticeBar = make("div", "notice-bar");
  noticeBar.ariaLive = "polite";
  // Right after the heading, so that the Tab key reaches the notices next.
  (discussion.querySelector(".top") ?? discussion.lastElementChild).after(status, noticeBar);
  // When a focused button is removed, the focus returns to the element that had it before.
  let focusedBefore = null;
  noticeBar.addEventListener("focusin", ({ relatedTarget }) => {
    if (!noticeBar.contains(relatedTarget)) focusedBefore = relatedTarget;
  });
  const showNotices = (...nodes) => {
    const hadFocus = noticeBar.contains(document.activeElement);
    noticeBar.replaceChildren(...nodes);
    const next = nodes[0] ?? (focusedBefore?.isConnected ? focusedBefore : discussion.querySelector("h1, h2"));
    if (hadFocus) next.focus({ preventScroll: true });
  };

  // The place for the reply form that htmx loads.
  const setHtmx = (node, values) => {
    for (const [name, value] of Object.entries(values)) node?.setAttribute(`hx-${name}`, value);
  };
  setHtmx(discussion, { target: "closest article", indicator: "closest article", swap: "beforeend" });
  setHtmx(discussion.querySelector(".compose"), { target: "this", indicator: "this" });

  // Loads another page of this discussion: {page, url}. Its links become absolute, since they are moved to this page.
  const load = async (url) => {
    const response = await fetch(url);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!response.ok || !page.querySelector(".talk .part")) throw new Error(String(response.status));
    for (const name of ["href", "formaction"]) {
      for (const node of page.querySelectorAll(`.part [${name}]:not([${name}^="#"])`)) {
        node.setAttribute(name, new URL(node.getAttribute(name), response.url).href);
      }
    }
    return { page, url: response.url };
  };

  // The content of each comment as the server sent it, and the comments that came with this page (not added later).
  const contents = new WeakMap();
  const contentOf = (article) => {
    const selector = ":scope > :is(h3, span, div:not([class]), p), :scope > footer > :not(details)";
    const parts = [...article.querySelectorAll(selector)].map((node) => node.outerHTML);
    return [article.matches(".gone"), article.matches(".waiting"), ...parts].join("\n");
  };
  let loadedIds = new Set();
  const readThread = () => {
    loadedIds = new Set(articles(discussion).map(({ id }) => id));
    for (const article of articles(discussion)) contents.set(article, contentOf(article));
  };
  readThread();

  // Merges a list of another page into `targetList`, and returns the comments that it added. The first of them, or
  // with `append` all, goes after the item `previous`. Without `targetList`, comments of this page stay in place.
  const merge = (list, targetList, { previous = null, append = false, refresh = false } = {}) => {
    const added = [];
    for (const item of [...list.children]) {
      const article = item.firstElementChild;
      const existing = document.getElementById(article.id)?.closest(".thread li");
      const target = existing ?? item;
      const replies = listOf(item);
      if (!existing) {
        replies?.remove();
        contents.set(article, contentOf(article));
        added.push(article);
      } else if (refresh) {
        update(target.firstElementChild, article);
        if (!("extended" in target.dataset)) setMore(target, moreOf(item));
      }
      const moves = targetList && (target.parentNode !== targetList || "justPosted" in target.dataset);
      if (moves) previous ? previous.after(target) : targetList.prepend(target);
      delete target.dataset.justPosted;
      if (!existing || !append) previous = target;
      if (!replies) continue;
      const replyList = listOf(target) ?? document.createElement("ol");
      if (!replyList.parentNode) target.insertBefore(replyList, moreOf(target));
      const lastReply = refresh ? null : replyList.lastElementChild;
      added.push(...merge(replies, replyList, { previous: lastReply, refresh }));
    }
    return added;
  };
  // Returns the list of top-level comments, and creates it if the first comment was posted meanwhile.
  const roots = (page) => {
    if (!part().querySelector(".thread")) {
      const thread = page.querySelector(".thread").cloneNode(true); // with the form of recommendations
      listOf(thread)?.replaceChildren();
      part().prepend(thread);
    }
    const thread = part().querySelector(".thread");
    if (!listOf(thread)) thread.append(document.createElement("ol"));
    return listOf(thread);
  };
  const setMore = (node, more) => {
    moreOf(node)?.remove();
    if (more) node.append(more.cloneNode(true)); // a clone, because dropRemoved still reads the original
  };
  const removeChildren = (article, { except }) => {
    for (const node of [...article.childNodes]) {
      if (!(node instanceof Element && node.matches(except))) node.remove();
    }
  };
  // Remove the quotations of this comment above its replies.
  const closeQuotesOf = (id) => {
    for (const quote of discussion.querySelectorAll(`.quote[data-of="${id}"]`)) {
      quote.parentNode.querySelector("h3 a").ariaExpanded = "false";
      quote.remove();
    }
  };
  // Replace a comment that is gone from the page by a notice, but keep an open form for a reply to it.
  const keepOnlyForm = (article) => {
    if (article.matches(".gone")) return;
    removeChildren(article, { except: ".reply-form" });
    article.prepend(make("p", "", gettext("This comment is no longer on this page.")));
    article.classList.add("gone");
    contents.delete(article); // it may come back
    closeQuotesOf(article.id);
  };
  // Updates a changed comment, but keeps an open reply form and a quoted parent.
  const update = (article, newArticle) => {
    const newContent = contentOf(newArticle);
    if (contents.get(article) === newContent) return;
    contents.set(article, newContent);
    const focused = article.contains(document.activeElement) && document.activeElement.href;
    const quote = article.querySelector(":scope > .quote");
    const expanded = quote && article.querySelector("h3 a")?.href;
    removeChildren(article, { except: ".reply-form, .quote" });
    article.prepend(...newArticle.childNodes);
    if (article.classList.toggle("gone", newArticle.matches(".gone"))) closeQuotesOf(article.id);
    article.classList.toggle("waiting", newArticle.matches(".waiting"));
    const link = article.querySelector("h3 a");
    if (quote && link?.href === expanded) {
      article.insertBefore(quote, article.querySelector(":scope > :is(p, div, footer)"));
      link.ariaExpanded = "true";
    } else {
      quote?.remove();
    }
    if (focused) [...article.querySelectorAll("a")].find(({ href }) => href === focused)?.focus();
  };
  // Removes comments that are no longer on the page: a moderator removed them, or newer ones pushed them beyond its
  // end. The latter happens only after all comments that it still shows, and if more follow; in an order other than
  // by time, a top-level comment may also leave from the middle.
  const dropRemoved = (page, fetchedIds, isByTime) => {
    const isShown = (item) => [...item.querySelectorAll("article")].some(({ id }) => fetchedIds.has(id));
    const isAfter = (one, other) => other.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
    for (const id of loadedIds) {
      const item = document.getElementById(id)?.closest("li");
      if (!item || isShown(item)) continue;
      const tree = item.closest(".thread > ol > li");
      const root = page.getElementById(tree.firstElementChild.id)?.closest("li");
      const hasMore = root ? moreOf(root) : page.querySelector(".part > .more");
      const rest = [...(root ? tree : tree.parentNode).querySelectorAll("li")];
      const isLast = !rest.some((other) => isAfter(other, item) && isShown(other));
      if (hasMore && (isLast || !(root || isByTime))) continue;
      if (item.querySelector(".reply-form")) {
        articles(item).forEach(keepOnlyForm);
        for (const link of item.querySelectorAll("a.more")) link.removeAttribute("aria-label"); // it has the name
        continue;
      }
      for (const article of articles(item)) closeQuotesOf(article.id);
      const list = item.parentNode;
      item.remove();
      if (list.children.length || list.parentNode.matches(".thread")) continue;
      list.previousElementSibling.matches(".fold") && list.previousElementSibling.remove();
      list.remove();
    }
  };
  // Comments that are new to the reader have a button by their time, which goes to the next of them.
  const unread = new Set(); // their ids
  const markOf = (article) => article.querySelector(":scope > .dot");
  const markUnread = () => {
    for (const article of articles(discussion)) {
      if (!unread.has(article.id) || markOf(article)) continue;
      const button = make("button", "dot", gettext("New"));
      button.ariaLabel = gettext("New: go to the next new comment");
      article.querySelector("h3 ~ a")?.after(" ", button);
    }
  };
  const goToUnread = (article) => {
    discussion.querySelector(".thread .focus")?.classList.remove("focus");
    article.classList.add("focus");
    article.dispatchEvent(new Event("gotocomment", { bubbles: true }));
  };
  // The Undo of a posted comment disappears when its time is over. Its place stays, so that nothing moves.
  const limitUndo = () => {
    for (const undo of discussion.querySelectorAll(".posted [data-seconds]")) {
      setTimeout(() => {
        if (undo.contains(document.activeElement)) focusOn(undo.closest("article"));
        undo.style.visibility = "hidden";
      }, undo.dataset.seconds * 1000);
      delete undo.dataset.seconds;
    }
  };
  limitUndo();
  const changed = () => {
    markUnread();
    limitUndo();
    document.dispatchEvent(new Event("threadchange"));
  };
  const focusOn = (article) => {
    article.tabIndex = -1;
    if (article.closest("ol[hidden]")) article.dispatchEvent(new Event("gotocomment", { bubbles: true }));
    else article.focus({ preventScroll: true });
  };
  const announce = (text) => { status.textContent = text; };
  const fillInNumber = (text, n) => interpolate(text, { n }, true);
  // Marks a link as busy while the action runs, ignores further clicks, and shows an error below it.
  const runUnlessBusy = async (link, action) => {
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    clearError(link);
    try { await action(); } catch (error) { showError(link, error); }
    link.ariaBusy = "false";
  };
  const MAX_LINKS = 20; // to new comments that are not on this page
  // `error`: its message is the status of an answer that is no page of the thread; without one there was no answer.
  const explain = (error) => (/^[1-4]\d\d$/.test(error?.message)
    ? gettext("This did not work. Reload the page and try again.")
    : gettext("The site can’t be reached. Try again in a moment."));
  const clearError = (node) => {
    if (node.nextElementSibling?.matches(".alert")) node.nextElementSibling.remove();
  };
  const showError = (node, error) => {
    clearError(node);
    const problem = make("p", "alert alert-danger", explain(error));
    problem.role = "alert";
    node.after(problem);
  };

  // The URL of the page, which does not change when comments are added.
  const currentUrl = () => location.pathname + location.search;
  let displayedUrl = currentUrl();
  const currentOrder = () => discussion.querySelector(".orders [aria-current]")?.href.match(/order\/(\w+)\//)[1];
  // A URL without an order shows the order that was chosen last, perhaps in another tab.
  const withOrder = (address) => {
    if (/[?&]order=/.test(address) || !currentOrder()) return address;
    return `${address}${address.includes("?") ? "&" : "?"}order=${currentOrder()}`;
  };
  const pushPage = (url, from, numbers) => {
    history.replaceState({ y: scrollY }, "", from);
    extendedPages.write(from, describeExtended(numbers));
    history.pushState(null, "", url);
    displayedUrl = currentUrl();
  };

  const showPage = async (url) => {
    const { page, url: loadedUrl } = await load(url);
    const newPart = page.querySelector(".talk .part");
    for (const form of part().querySelectorAll(".reply-form")) {
      page.getElementById(form.parentNode.id)?.append(form);
    }
    part().replaceWith(newPart);
    Object.assign(discussion.dataset, page.querySelector(".talk").dataset);
    knownVersion = discussion.dataset.version;
    extendedNumbers = [];
    const links = [...page.querySelectorAll(".orders a")];
    for (const [n, link] of [...discussion.querySelectorAll(".orders a")].entries()) {
      link.ariaCurrent = links[n]?.ariaCurrent ?? null;
    }
    const orders = discussion.querySelector(".orders");
    if (orders) orders.firstElementChild.lastElementChild.textContent = orders.querySelector("[aria-current]").textContent;
    showNotices();
    readThread();
    changed();
    return loadedUrl;
  };
  addEventListener("popstate", async ({ state }) => {
    if (currentUrl() === displayedUrl) return; // only the fragment has changed
    displayedUrl = currentUrl();
    try {
      await showPage(location.href);
      await restoreExtended();
      if (state?.y) scrollTo(0, state.y);
    } catch { location.reload(); }
  });

  // Comments that were added to a page are added again when the tab returns to it, before it scrolls to the old place.
  // Stored as {address: [y, number, …]} for ten pages: each number is a comment with added replies, 0 the top level.
  const extendedPages = storedLists("sessionStorage", "grown", 10);
  const describeExtended = (numbers) => numbers.length && [scrollY, ...numbers.slice(0, 30)];
  let extendedNumbers = [];
  const restoreExtended = async () => {
    const [y, ...numbers] = extendedPages.read(displayedUrl);
    for (const number of numbers) {
      const parent = number ? document.getElementById(`comment-${number}`)?.closest("li") : part();
      if (!parent || !moreOf(parent)) return;
      await loadMore(moreOf(parent));
    }
    if (numbers.length) scrollTo({ top: y, behavior: "instant" });
  };
  // Adds the comments behind a link "More comments" or "Show 9 more replies", and returns the new ones.
  const loadMore = async (link) => {
    const { page } = await load(link.href);
    const newPart = page.querySelector(".part");
    const newList = newPart.querySelector(".thread > ol");
    const parent = link.parentNode;
    let added;
    if (parent === part()) {
      const targetList = part().querySelector(".thread > ol");
      added = merge(newList, targetList, { previous: targetList.lastElementChild, append: true });
      setMore(parent, moreOf(newPart));
      extendedNumbers.push(0);
    } else {
      added = merge(newList, null);
      parent.dataset.extended = "";
      setMore(parent, moreOf(newList.lastElementChild));
      extendedNumbers.push(numberOf(parent.firstElementChild));
    }
    changed();
    return added;
  };
  const navigationType = performance.getEntriesByType("navigation")[0]?.type;
  if (navigationType !== "navigate") restoreExtended().catch(() => {}); // the links still work
  addEventListener("pagehide", () => extendedPages.write(displayedUrl, describeExtended(extendedNumbers)));
  // Back shows an old page, on which own comments may have changed.
  addEventListener("pageshow", ({ persisted }) => {
    if ((persisted || navigationType === "back_forward") && discussion.querySelector("[href$='/edit/']")) location.reload();
  });

  // If no comment is new, the focus stays near the removed link.
  const showMore = async (link) => {
    const parent = link.parentNode;
    const added = await loadMore(link);
    const n = added.length;
    announce(fillInNumber(ngettext("%(n)s more comment is shown", "%(n)s more comments are shown", n), n));
    focusOn(added[0] ?? [...parent.querySelectorAll("article")].at(-1));
  };

  discussion.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a");
    if (event.target.matches(".dot")) {
      const marked = articles(discussion).filter(markOf);
      goToUnread(marked[(marked.indexOf(event.target.parentNode) + 1) % marked.length]);
    } else if (link?.matches(".orders a") && !link.search) { // with a query it also changes what is above the thread
      event.preventDefault();
      const from = withOrder(displayedUrl); // the URL for the Back button
      const numbers = extendedNumbers;
      runUnlessBusy(link, async () => {
        const url = await showPage(link.href);
        pushPage(url, from, numbers);
        announce(link.textContent);
        closeMenuOf(link);
      });
    } else if (link?.matches(".part > .more, .thread li > .more")) {
      event.preventDefault();
      runUnlessBusy(link, () => showMore(link));
    } else if (link?.matches(".draft a") && linkTo(link.pathname)) {
      event.preventDefault();
      linkTo(link.pathname).click();
    } else if (globalThis.htmx && link?.matches(".compose > a, .thread footer > a[href*='reply/']")) {
      event.preventDefault();
      clearError(link);
      htmx.ajax("GET", link.href, { source: link });
    }
  });
  const linkTo = (path) =>
    [...discussion.querySelectorAll('.compose > a, .thread footer > a[href*="reply/"]')]
      .find(({ pathname }) => pathname === path);
  discussion.addEventListener("htmx:load", ({ target }) => { // the form has the draft
    const notice = discussion.querySelector(".draft");
    if (target.matches(".reply-form") && notice?.firstElementChild.action === target.querySelector("form").action) notice.remove();
  });
  // A draft that survived a reload, or of the last day, opens its form again: the newest one only. One whose form was
  // closed is offered, as the site offers those of members.
  const openDraft = () => {
    const since = navigationType === "navigate" ? Date.now() - 86400000 : 0;
    const owner = discussion.querySelector("[data-member]")?.dataset.member;
    const offered = discussion.querySelector(".draft a")?.pathname;
    const draft = replyDrafts.newest(`${location.pathname}reply/`, since, owner, offered);
    if (draft?.closed) offerDraft(draft.place);
    else if (draft) linkTo(draft.place)?.click();
  };
  const offerDraft = (place) => {
    if (discussion.querySelector(".draft")) return;
    const notice = make("div", "alert draft"), form = make("form", ""), link = make("a", "btn", gettext("Continue"));
    const discard = make("button", "btn btn-quiet", gettext("Discard"));
    form.action = link.href = place;
    Object.assign(discard, { type: "submit", name: "discard" }); // site.js deletes it
    form.append(make("p", "", gettext("You have a draft in this browser.")), link, " ", discard);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      notice.remove();
      linkTo(place)?.focus();
    });
    notice.append(form);
    (discussion.querySelector(".compose") ?? status).before(notice);
  };
  if (!location.hash.startsWith("#comment-")) try { openDraft(); } catch { /* storage is forbidden or damaged */ }
  discussion.addEventListener("htmx:sendError", ({ target }) => {
    if (target.matches("a")) showError(target);
  });

  // Inserts a posted reply, loaded from its own page, into the thread, so that its writer stays on this page.
  const addOwn = async (form, id, url) => {
    const { page } = await load(url);
    const item = page.getElementById(`comment-${id}`).closest("li");
    const article = item.firstElementChild;
    const above = item.parentNode.closest(".thread li")?.firstElementChild.id;
    const parent = above && document.getElementById(above).closest("li");
    const list = parent ? listOf(parent) ?? document.createElement("ol") : roots(page);
    if (parent && !list.parentNode) parent.insertBefore(list, moreOf(parent));
    contents.set(article, contentOf(article));
    article.classList.remove("focus");
    article.autofocus = false;
    if (!article.matches(".waiting")) article.classList.add("new");
    if (parent) {
      list.append(item);
    } else {
      item.dataset.justPosted = ""; // moved to its place in the order when new comments are shown
      list.prepend(item);
    }
    const status = make("div", "sent-notice");
    status.role = "status";
    article.append(status);
    form.remove();
    for (const part of ["h2#comments", ".follow"]) {
      const current = page.querySelector(part);
      if (current) discussion.querySelector(part)?.replaceChildren(...current.childNodes);
    }
    changed();
    focusOn(article);
    const { top, bottom } = article.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) article.scrollIntoView({ block: "center" }); // with its parent
    const messages = [...page.querySelectorAll(".messages > p")].map((message) => message.textContent);
    setTimeout(() => { status.textContent = messages.join(" "); }); // screen readers announce only changes of a status
  };
  discussion.addEventListener("posted", (event) => {
    const { id, url } = event.detail;
    const form = event.target.closest(".reply-form");
    event.preventDefault();
    form.ariaBusy = "true";
    addOwn(form, id, url).catch(() => location.assign(url));
  });

  discussion.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.matches("[form=recommend]")) return;
    event.preventDefault();
    clearError(button);
    try {
      const body = new FormData(event.target);
      body.set("given", button.ariaPressed === "true" ? "0" : "1");
      const options = { method: "POST", body, headers: { "HX-Request": "true" } };
      const response = await fetch(button.formAction, options);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const newButton = page.querySelector("button[form=recommend]");
      if (!response.ok || !newButton) throw new Error(String(response.status));
      button.ariaPressed = newButton.ariaPressed;
      button.replaceChildren(...newButton.childNodes); // the button itself stays, and the focus on it
      changed();
    } catch (error) {
      if (error instanceof TypeError) showError(button); // no response
      else location.assign(button.formAction);
    }
  });

  // Polls for new comments, less often the longer nothing happens, and not while the tab is hidden.
  const MIN_WAIT = 30_000, MAX_WAIT = 600_000; // milliseconds
  const fetchJson = async (path) => {
    const response = await fetch(new URL(path, location.origin + location.pathname), { cache: "no-cache" });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };
  let wait = MIN_WAIT;
  let timer = 0;
  let knownVersion = discussion.dataset.version;
  let polledAt = Date.now();
  const poll = async () => {
    polledAt = Date.now();
    try {
      const { version } = await fetchJson("version/");
      if (String(version) === knownVersion) {
        wait = Math.min(wait * 1.5, MAX_WAIT);
      } else {
        const { count, ids } = await fetchJson(`new/?since=${discussion.dataset.seq}`);
        knownVersion = String(version);
        wait = MIN_WAIT;
        if (count) offerNew(count, ids);
      }
    } catch {
      wait = Math.min(wait * 2, MAX_WAIT);
    }
    schedule();
  };
  const schedule = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(poll, wait);
  };
  if (knownVersion !== undefined) {
    document.addEventListener("visibilitychange", () => {
      wait = MIN_WAIT;
      if (!document.hidden && Date.now() - polledAt > MIN_WAIT) poll();
      else schedule();
    });
    schedule();
  }

  const dismiss = () => {
    const button = make("button", "dismiss", "×");
    button.ariaLabel = gettext("Close");
    button.addEventListener("click", () => showNotices());
    return button;
  };
  const cappedCount = (n) => (n < 99 ? String(n) : "99+");
  const offerNew = (n, ids) => {
    const label = fillInNumber(ngettext("%(n)s new comment", "%(n)s new comments", n), cappedCount(n));
    const button = make("button", "", label);
    button.addEventListener("click", async () => {
      if (button.ariaBusy) return;
      button.ariaBusy = "true";
      try {
        await showNew(n, ids);
      } catch (error) {
        knownVersion = discussion.dataset.version; // so that they are offered again
        showNotices(make("p", "", explain(error)), dismiss());
      }
    });
    showNotices(button, dismiss());
  };
  const showNew = async (n, ids) => {
    const { page } = await load(withOrder(displayedUrl));
    const order = currentOrder();
    const isByTime = !order || order === "newest" || order === "oldest";
    const newest = Math.max(0, ...articles(discussion).map(numberOf));
    const fetchedIds = new Set(articles(page).map(({ id }) => id));
    const newList = page.querySelector(".part .thread > ol");
    const added = keepingPlace(() => {
      const merged = newList ? merge(newList, roots(page), { refresh: true }) : [];
      dropRemoved(page, fetchedIds, isByTime);
      // In other orders, an older comment may have moved to this page.
      const arrivals = isByTime ? merged : merged.filter((article) => numberOf(article) > newest);
      for (const { id } of arrivals) unread.add(id);
      markUnread();
      return arrivals;
    });
    for (const id of fetchedIds) loadedIds.add(id);
    const newDiscussion = page.querySelector(".talk");
    Object.assign(discussion.dataset, newDiscussion.dataset);
    knownVersion = discussion.dataset.version;
    discussion.querySelector("h2").replaceChildren(...newDiscussion.querySelector("h2").childNodes);
    changed();
    const missingIds = ids.filter((id) => !document.getElementById(`comment-${id}`));
    const label = ngettext("Go to the new comment", "Go to the first of %(n)s new comments", added.length);
    const countElsewhere = n > ids.length ? Math.max(0, n - added.length - missingIds.length) : 0;
    const nodes = makeGuide(label, added, missingIds, countElsewhere);
    showGuide(nodes);
    if (nodes.length) (nodes[0].querySelector("a") ?? nodes[0]).focus({ preventScroll: true });
  };
  const topArticle = () => articles(discussion).find((node) => node.getBoundingClientRect().bottom > 0);
  // Keeps the visible comments in place when comments above them are added.
  const keepingPlace = (action) => {
    const isAbove = part().getBoundingClientRect().top < 0;
    const anchor = isAbove && topArticle();
    const top = anchor && anchor.getBoundingClientRect().top;
    const root = document.documentElement;
    root.style.overflowAnchor = "none"; // otherwise a browser with scroll anchoring would scroll twice
    const result = action();
    if (anchor?.isConnected) scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
    requestAnimationFrame(() => { root.style.overflowAnchor = ""; });
    return result;
  };
  // Returns what leads from one new comment to the next, then to those that are not on this page.
  const makeGuide = (firstLabel, added, missingIds, countElsewhere) => {
    const nodes = [];
    if (added.length) {
      const remaining = articles(discussion).filter((article) => added.includes(article));
      const nextLabel = () => fillInNumber(gettext("Next new comment (%(n)s left)"), remaining.length);
      const button = make("button", "", fillInNumber(firstLabel, remaining.length));
      button.addEventListener("click", () => {
        goToUnread(remaining.shift());
        if (remaining.length) button.textContent = nextLabel();
        else showNotices();
      });
      nodes.push(button);
    }
    countElsewhere += missingIds.splice(0, missingIds.length - MAX_LINKS).length;
    if (missingIds.length) {
      const list = make("p", "", gettext("Also new:"));
      for (const [n, id] of missingIds.entries()) {
        const link = make("a", "", String(n + 1));
        const values = { n: n + 1, all: missingIds.length };
        link.ariaLabel = interpolate(gettext("New comment %(n)s of %(all)s"), values, true);
        link.href = `${location.pathname}comments/${id}/`;
        list.append(n ? " · " : " ", link);
      }
      nodes.push(list);
    }
    if (countElsewhere) {
      const text = nodes.length
        ? ngettext("%(n)s more on another page", "%(n)s more on other pages", countElsewhere)
        : ngettext("%(n)s new comment on another page", "%(n)s new comments on other pages", countElsewhere);
      const link = make("a", "", fillInNumber(text, cappedCount(countElsewhere)));
      link.href = "?order=newest#comments"; // for this time only
      nodes.push(link);
    }
    return nodes;
  };
  const showGuide = (nodes) => showNotices(...(nodes.length ? [...nodes, dismiss()] : []));

  // What is new since the last visit, and where that ended. The server stores the visits of members; this browser those
  // of others, as {path: [time, log number, log number at the end of the visit before, comment at the top]} for 50 stories.
  const VISIT_TIMEOUT = 1_800_000; // milliseconds after which a visit is a new one, as in comments/thread/visits.py
  const visits = storedLists("localStorage", "visits", 50);
  const path = location.pathname;
  const [lastTime, lastSeq, earlierSeq, lastPlace] = visits.read(path);
  const endOfLast = Date.now() - lastTime > VISIT_TIMEOUT ? lastSeq : earlierSeq;
  const storeVisit = () => {
    const { top } = part().getBoundingClientRect();
    const isFarDown = top < -2 * innerHeight;
    const place = isFarDown && topArticle() ? numberOf(topArticle()) : 0;
    visits.write(path, [Date.now(), Number(discussion.dataset.seq), endOfLast, top > innerHeight ? lastPlace : place]);
  };
  const showLastVisit = async () => {
    const nodes = [];
    const isAtComment = location.hash.startsWith("#comment-");
    const since = parseInt(discussion.matches(".known") ? discussion.dataset.since : endOfLast, 10);
    if (since < Number(discussion.dataset.seq)) {
      const { count: n, ids } = await fetchJson(`new/?since=${since}`);
      for (const id of ids) unread.add(`comment-${id}`);
      keepingPlace(changed);
      const unreadHere = articles(discussion).filter(markOf);
      const missingIds = ids.filter((id) => !document.getElementById(`comment-${id}`));
      const label = ngettext("%(n)s new since your last visit", "%(n)s new since your last visit", unreadHere.length);
      nodes.push(...makeGuide(label, unreadHere, missingIds, n - ids.length));
    }
    if (navigationType !== "navigate" || isAtComment) return;
    if (lastPlace) {
      const link = make("a", "", gettext("Continue where you left off"));
      const id = `comment-${lastPlace}`;
      link.href = document.getElementById(id) ? `#${id}` : `${path}comments/${lastPlace}/`;
      link.addEventListener("click", () => showNotices());
      nodes.push(link);
    }
    new IntersectionObserver(([{ isIntersecting }], observer) => {
      if (!isIntersecting) return;
      observer.disconnect();
      if (!noticeBar.hasChildNodes()) showGuide(nodes);
    }).observe(discussion);
  };
  if (knownVersion !== undefined) {
    document.addEventListener("visibilitychange", () => { if (document.hidden) storeVisit(); });
    showLastVisit().catch(() => {}); // nothing is marked
  }
}
