// Autosaves the editor page of a story or a standing page: in this browser at once, on the site after a few seconds.
// The same responses list other people who have the page open, and what they have saved meanwhile.
"use strict";
{
  const bar = document.getElementById("editor-bar"), form = bar?.closest("form");
  const AUTOSAVE_DELAY = 3000, RETRY_DELAY = 10000, PRESENCE_INTERVAL = 20000; // milliseconds
  const field = (name) => form.elements.namedItem(name);
  const isTyped = ({ name, type }) => name && !/^(_|take-)|__prefix__/.test(name) && !["hidden", "file", "submit"].includes(type);
  // By name, including fields without a value, such as an unticked box.
  const typedValues = (source = form) => {
    const values = {};
    for (const element of source.elements) if (isTyped(element)) values[element.name] = [];
    for (const [name, value] of new FormData(source)) values[name]?.push(value);
    return values;
  };

  // The nonce identifies this form in this window, with the number of its changes. Requests may overtake each other, so
  // the site ignores a lower number. The nonces before it are of the forms that this one continues.
  const earlierNonces = form ? field("nonce").value.split(" ") : [], ownNonce = earlierNonces.pop()?.split(":")[0];
  let changeNumber = 0, storedNumber = 0; // the latter: of the latest change that the site has stored
  let current, loaded; // values of the form, as JSON: after its latest change, and as it was loaded
  const recordChange = () => {
    const now = JSON.stringify(typedValues());
    if (now !== current) {
      current = now;
      changeNumber += 1;
      field("nonce").value = [...earlierNonces, `${ownNonce}:${changeNumber}`].join(" ");
      storeBaseVersion();
    }
  };

  // Back, and in some browsers a reload, fills in what was typed in this history entry. That text is based on the
  // version that was loaded before it was typed, and not on the one of the page that is loaded now.
  let areFieldsFilled = false; // some browsers fill in the fields after this script
  const storeBaseVersion = () => {
    if (!areFieldsFilled) restoreBaseVersion();
    const version = field("read").value;
    if (changeNumber && history.state?.read !== version) history.replaceState({ ...history.state, read: version }, "");
  };
  // What the site stores: it strips spaces, and the fields of new notes are empty again after they are saved.
  const storable = (values) => JSON.stringify(Object.entries(values).filter(([name]) => !name.startsWith("new_"))
    .map(([name, texts]) => [name, texts.map((text) => text.trim())]));
  const restoreBaseVersion = () => {
    const version = history.state?.read;
    if (version && loaded && storable(typedValues()) !== storable(JSON.parse(loaded))) field("read").value = version;
  };

  const keyPrefix = () => `unsaved ${bar.dataset.editor} ${bar.dataset.kind} `;
  const pageState = () => ({ nonce: field("nonce").value, key: bar.dataset.key, read: field("read").value });
  const unsavedEntry = () => ({ ...pageState(), typed: current === loaded || isBlank() ? "{}" : current });
  // A new document without any text has no unsaved changes, even if the site has sent the form back.
  const isText = ({ type }) => ["text", "textarea", "url"].includes(type);
  const isBlankField = (element) => !isTyped(element) || !isText(element) || !element.value.trim();
  const isBlank = () => !bar.dataset.key && [...form.elements].every(isBlankField);
  const store = () => tryStorage(() => localStorage.setItem(keyPrefix() + ownNonce, JSON.stringify(unsavedEntry())));
  const removeStored = (nonce) => tryStorage(() => localStorage.removeItem(keyPrefix() + nonce));
  const changeNumberOf = (pair) => Number(pair?.split(":")[1]); // of "nonce:number"

  const send = async (values, options = {}) => {
    const body = new FormData();
    for (const [name, value] of Object.entries({ csrfmiddlewaretoken: csrfToken(form), ...values })) body.append(name, value);
    const answer = await fetch(bar.dataset.url, { method: "POST", body, ...options });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };

  const setText = (selector, text) => {
    const line = bar.querySelector(selector);
    if (line.textContent !== text) line.textContent = text;
  };
  const showOtherEditors = ({ others, newer }) => {
    if (!others) return;
    bar.querySelector(".others").replaceChildren(...others.map((sentence) => {
      const line = document.createElement("li");
      line.textContent = sentence;
      return line;
    }));
    setText(".newer", newer);
  };

  let timer, isLeaving = false;
  const autosave = async () => {
    clearTimeout(timer);
    recordChange();
    const sent = changeNumber;
    if (isLeaving || storedNumber === sent) return;
    try {
      const answer = await send(unsavedEntry());
      if (sent < storedNumber) return; // a later request was answered before
      storedNumber = sent;
      if (sent === changeNumber) removeStored(ownNonce);
      const query = new URLSearchParams(location.search);
      if (query.has("unsaved")) { // this form now holds those changes
        query.set("unsaved", ownNonce);
        history.replaceState(history.state, "", `?${query}${location.hash}`);
      }
      setText(".autosave-status", answer.kept ? interpolate(gettext("Autosaved at %s."), [answer.at]) : "");
      setText(".failed", "");
      showOtherEditors(answer);
    } catch (error) {
      if (sent < storedNumber) return;
      setText(".autosave-status", "");
      setText(".failed", {
        403: gettext("You are logged out. Your text is kept in this browser. Log in in another tab."),
        404: gettext("This was deleted, or you may no longer edit it. Your text is kept in this browser."),
      }[error.message] ?? gettext("The site can’t be reached. Your text is kept in this browser until it can."));
      if (error.message !== "404") timer = setTimeout(autosave, RETRY_DELAY);
    }
  };

  // Sends all changes that this browser has stored while the site could not be reached, of any page. From then on
  // the site offers them.
  const sendStoredChanges = async () => {
    const names = tryStorage(() => Object.keys(localStorage).filter((name) => name.startsWith(keyPrefix()))) ?? [];
    for (const name of names) {
      const entry = tryStorage(() => JSON.parse(localStorage.getItem(name)));
      const nonce = name.slice(keyPrefix().length);
      if (!entry || nonce === ownNonce) continue;
      if (changeNumberOf(entry.nonce.split(" ").pop()) <= changeNumberOf(earlierNonces.find((pair) => pair.startsWith(nonce)))) {
        if (storedNumber) removeStored(nonce); // this form now holds those changes
        continue;
      }
      try {
        const answer = await send(entry).catch((error) => {
          if (error.message !== "404" || !entry.key) throw error;
          return send({ ...entry, key: "" }); // it was deleted or belongs to other editors: store the text for a new one
        });
        removeStored(nonce);
        const isOffered = document.querySelector(`a[href="?unsaved=${nonce}"]`);
        if (answer.kept && entry.key === bar.dataset.key && !isOffered) offer(nonce);
      } catch {
        return; // no network, or logged out: the next page tries again
      }
    }
  };
  const offer = (nonce) => {
    const line = document.createElement("p"), text = document.createElement("span"), link = document.createElement("a");
    line.className = "notice offer";
    line.setAttribute("role", "status");
    text.textContent = gettext("You have unsaved changes in this browser.");
    link.className = "button";
    link.href = `?unsaved=${nonce}`;
    link.textContent = gettext("Continue");
    line.append(text, link);
    form.querySelector(".sheet").prepend(line);
  };

  if (form) {
    if (!("sent" in bar.dataset)) {
      const loadedForm = form.cloneNode(true);
      loadedForm.reset(); // after Back, a browser fills the fields with what was typed there
      current = loaded = JSON.stringify(typedValues(loadedForm));
    }
    restoreBaseVersion();
    const hasChosenFile = () => [...form.elements].some(({ type, name, files }) => type === "file" && name && files.length);
    form.addEventListener("input", ({ target }) => {
      if (target.type === "file") {
        setText(".file", hasChosenFile() ? gettext("Save before you leave this page, or the chosen file is lost.") : "");
      }
      const earlier = changeNumber;
      recordChange();
      if (changeNumber === earlier) return;
      store();
      clearTimeout(timer);
      timer = setTimeout(autosave, AUTOSAVE_DELAY);
    });
    form.addEventListener("submit", () => {
      field("csrfmiddlewaretoken").value = csrfToken(form); // the token is new after a log-in in another tab
      recordChange();
      if (storedNumber !== changeNumber) store();
      isLeaving = true;
      clearTimeout(timer);
    });
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted && isLeaving && !bar.dataset.key) location.reload(); // leads to what this form has created
      if (persisted) isLeaving = false;
      else restoreBaseVersion();
      areFieldsFilled = true;
    });
    addEventListener("popstate", storeBaseVersion); // the preview and the settings have entries of their own
    addEventListener("pagehide", () => {
      recordChange();
      const isNew = !isLeaving && storedNumber !== changeNumber;
      if (!isNew && !("presence" in bar.dataset)) return;
      send({ ...(isNew ? unsavedEntry() : pageState()), has_left: "1" }, { keepalive: true }).catch(() => {});
    });
    addEventListener("beforeunload", (event) => { if (!isLeaving && hasChosenFile()) event.preventDefault(); });
    addEventListener("online", autosave);
    form.querySelector(".preview input")?.addEventListener("focus", ({ target }) => target.select());
    if ("presence" in bar.dataset) {
      setInterval(() => { if (!document.hidden) send(pageState()).then(showOtherEditors, () => {}); }, PRESENCE_INTERVAL);
    }
    autosave().then(sendStoredChanges);
  }
}
