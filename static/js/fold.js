// Folds branches of a thread, and shows the parent of a comment above it. Nothing moves when the page loads.
"use strict";
{
  const discussion = document.querySelector(".talk");
  const all = (selector, node = discussion) => [...node.querySelectorAll(selector)];
  const nameOf = (article) => article.querySelector("h3 > bdi")?.textContent;

  // Folded branches are stored as {path: [time, number, …]}, for the last 50 discussions, up to 300 numbers each.
  const storyPath = location.pathname.replace(/comments\/\d+\/$/, "");
  const storedBranches = storedLists("localStorage", "folded", 50);
  const storedNumbers = () => storedBranches.read(storyPath).slice(1);
  const parentNumberOf = (list) => Number(list.parentNode.firstElementChild.id.slice("comment-".length));
  const isFolded = (list) => list.hasAttribute("hidden");
  // The stored branches of other pages of this discussion are kept.
  const storeFolded = () => {
    const lists = all(".thread li > ol");
    const numbersHere = new Set(lists.map(parentNumberOf));
    const elsewhere = storedNumbers().filter((number) => !numbersHere.has(number));
    const numbers = [...elsewhere, ...lists.filter(isFolded).map(parentNumberOf)];
    storedBranches.write(storyPath, numbers.length && [Date.now(), ...numbers.slice(-300)]);
  };

  const setFolded = (list, isHidden) => {
    if (isHidden) list.setAttribute("hidden", "until-found"); // the browser's own search still finds its text
    else list.removeAttribute("hidden");
    list.previousElementSibling.setAttribute("aria-expanded", String(!isHidden));
  };
  // Adds a button over each guide line. It takes no space until the branch is folded.
  const addButtons = () => {
    const folded = new Set(storedNumbers());
    for (const list of all(".thread li > ol")) {
      let button = list.previousElementSibling;
      if (!button.matches(".fold")) {
        button = document.createElement("button");
        button.type = "button";
        button.className = "fold";
        list.before(button);
        // The comment of a permalink is never folded.
        setFolded(list, folded.has(parentNumberOf(list)) && !list.querySelector("[autofocus]"));
      }
      const n = all("article:not(.gone)", list).length;
      const name = nameOf(list.parentNode.firstElementChild);
      const replies = interpolate(ngettext("%(n)s reply", "%(n)s replies", n), { n }, true);
      const newReplies = all(".dot", list).length; // since the last visit (thread.js)
      const newCount = newReplies ? interpolate(gettext(", %(n)s new"), { n: newReplies }, true) : "";
      button.textContent = replies + newCount;
      button.ariaLabel = (name
        ? interpolate(gettext("%(replies)s to %(name)s"), { replies, name }, true)
        : interpolate(gettext("%(replies)s to a removed comment"), { replies }, true)) + newCount;
    }
    for (const link of all(".thread h3 a:not([aria-expanded])")) link.ariaExpanded = "false";
    all(".thread article").forEach(labelLinks);
    updateFoldAll();
  };
  const textOf = (link) => {
    const visibleNodes = [...link.childNodes].filter((node) => node.className !== "paper");
    return visibleNodes.map((node) => node.textContent).join("").trim();
  };
  // Without unique labels, a screen reader's list of links would say "Reply" two hundred times.
  const labelLinks = (article) => {
    const name = nameOf(article);
    const setLabel = (selector, text, node = article) => {
      const link = node.querySelector(`:scope > ${selector}`);
      if (link && name) link.ariaLabel = interpolate(text, { words: textOf(link), name }, true);
    };
    setLabel("h3 ~ a", gettext("%(words)s, comment by %(name)s"));
    setLabel('footer > a[href*="reply/"]', gettext("%(words)s to %(name)s"));
    setLabel('footer a[href*="report/"]', gettext("%(words)s, comment by %(name)s"));
    const more = article.querySelector(":scope > footer > .menu > summary[aria-label]");
    if (more && name) more.ariaLabel = interpolate(gettext("More about the comment by %(name)s"), { name }, true);
    setLabel("form.posted > span > button", gettext("%(words)s, comment by %(name)s"));
    setLabel("footer > button", gettext("%(words)s, comment by %(name)s"));
    setLabel("a.more", gettext("%(words)s to %(name)s"), article.parentNode);
  };

  const foldAll = discussion.querySelector(".orders button");
  const branches = () => all(".thread > ol > li > ol");
  const updateFoldAll = () => {
    if (!foldAll) return;
    foldAll.className = branches().length ? "ready" : "";
    foldAll.textContent = branches().every(isFolded) ? gettext("Unfold all") : gettext("Fold all");
  };
  foldAll?.addEventListener("click", () => {
    const shouldFold = !branches().every(isFolded);
    for (const list of shouldFold ? branches() : all(".thread li > ol")) setFolded(list, shouldFold);
    storeFolded();
    updateFoldAll();
    closeMenuOf(foldAll);
  });

  const unfoldAncestors = (node) => {
    let changed = false;
    for (let list = node.closest("ol[hidden]"); list; list = node.closest("ol[hidden]")) {
      setFolded(list, false);
      changed = true;
    }
    if (changed) {
      storeFolded();
      updateFoldAll();
    }
    return changed;
  };
  const commentAt = (hash) => (/^#comment-\d+$/.test(hash) ? document.getElementById(hash.slice(1)) : null);
  const goTo = (comment) => {
    unfoldAncestors(comment);
    comment.tabIndex = -1;
    comment.focus({ preventScroll: true });
    comment.scrollIntoView({ block: "start" });
  };
  const openTarget = () => {
    const comment = commentAt(location.hash);
    if (comment && unfoldAncestors(comment)) goTo(comment);
  };
  addEventListener("hashchange", openTarget);
  document.addEventListener("beforematch", ({ target }) => unfoldAncestors(target), true);
  document.addEventListener("gotocomment", ({ target }) => goTo(target));

  // The parent comment, quoted above its reply.
  const closeQuote = (quote) => {
    const link = quote.parentNode.querySelector("h3 a");
    quote.remove();
    link.ariaExpanded = "false";
    return link;
  };
  const makeQuote = (id, source, href) => {
    const quote = document.createElement("blockquote");
    quote.className = "quote";
    quote.dataset.of = id; // thread.js closes the quote by this id when the comment is removed
    const head = document.createElement("p");
    const body = source?.querySelector(":scope > div:not([class])");
    if (body) {
      const timeLink = source.querySelector("h3 ~ a");
      head.append(source.querySelector("h3 > bdi").cloneNode(true), " ", timeLink.textContent);
      quote.append(head, body.cloneNode(true));
    } else {
      head.textContent = gettext("The text of this comment can’t be shown.");
      quote.append(head);
    }
    const goLink = document.createElement("a");
    goLink.href = href;
    goLink.textContent = gettext("Go to this comment");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = gettext("Close");
    const links = document.createElement("p");
    links.append(goLink, button);
    quote.append(links);
    return quote;
  };
  const toggleQuote = async (link) => {
    const article = link.closest("article");
    const openQuote = article.querySelector(":scope > .quote");
    if (openQuote) return closeQuote(openQuote);
    const id = link.hash ? link.hash.slice(1) : "comment-" + link.pathname.match(/(\d+)\/$/)[1];
    let source = document.getElementById(id);
    if (!source) {
      const response = await fetch(link.href);
      if (!response.ok && response.status !== 410) throw new Error(response.status); // 410: the comment or its story was removed
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      source = page.getElementById(id);
    }
    if (article.querySelector(":scope > .quote")) return undefined; // clicked twice while it was loading
    const after = article.querySelector(":scope > :is(p, div, footer)");
    article.insertBefore(makeQuote(id, source, link.href), after);
    link.ariaExpanded = "true";
    return undefined;
  };

  discussion.addEventListener("click", (event) => {
    const { target } = event;
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const button = target.closest(".fold");
    const parentLink = target.closest(".thread h3 a");
    const closeButton = target.closest(".quote button");
    if (button) {
      const list = button.nextElementSibling;
      setFolded(list, !isFolded(list));
      storeFolded();
      updateFoldAll();
      // After a click far down the guide line, scroll to the folded branch.
      if (button.getBoundingClientRect().top < 0) button.parentNode.scrollIntoView();
    } else if (parentLink) {
      event.preventDefault();
      toggleQuote(parentLink).catch(() => location.assign(parentLink.href));
    } else if (closeButton) {
      closeQuote(closeButton.closest(".quote")).focus();
    } else {
      const link = target.closest("a");
      const comment = link && link.pathname === location.pathname && commentAt(link.hash);
      if (comment) unfoldAncestors(comment);
    }
  });
  discussion.addEventListener("keydown", (event) => {
    const quote = event.key === "Escape" && event.target.closest("article")?.querySelector(":scope > .quote");
    if (quote) closeQuote(quote).focus();
  });

  document.addEventListener("threadchange", addButtons);
  addButtons();
  openTarget();
}
