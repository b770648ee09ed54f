// Autosaves the editor page of a story or a standing page: in this browser at once, on the site after a few seconds.
// The same responses tell who else has the page open, and what they have saved meanwhile.
"use strict";
{
  const here = document.getElementById("here"), form = here?.closest("form");
  const AFTER = 3000, AGAIN = 10000, TELL = 20000; // milliseconds
  const quietly = (act) => { try { return act(); } catch { return undefined; } }; // storage may be forbidden or full
  const field = (name) => form.elements.namedItem(name);
  const isTyped = ({ name, type }) => name && !/^(_|take-)|__prefix__/.test(name) && !["hidden", "file", "submit"].includes(type);
  const typed = (of = form) => { // by name, including fields without a value, such as an unticked box
    const values = {};
    for (const one of of.elements) if (isTyped(one)) values[one.name] = [];
    for (const [name, value] of new FormData(of)) values[name]?.push(value);
    return values;
  };
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? field("csrfmiddlewaretoken").value;

  // The nonce identifies this form in this window, with a counter (turn) of its changes. Requests may overtake each
  // other, so the site ignores an earlier turn. The nonces before it are of the forms that this one continues.
  const before = form ? field("nonce").value.split(" ") : [], own = before.pop()?.split(":")[0];
  let turn = 0, kept = 0, last, read; // kept: the latest turn that the site has stored; read: the values of the form as it was loaded
  const look = () => {
    const now = JSON.stringify(typed());
    if (now !== last) {
      last = now;
      turn += 1;
      field("nonce").value = [...before, `${own}:${turn}`].join(" ");
    }
  };

  const ours = () => `unsaved ${here.dataset.editor} ${here.dataset.kind} `;
  const page = () => ({ nonce: field("nonce").value, key: here.dataset.key, read: field("read").value });
  const entry = () => ({ ...page(), typed: last === read || isBlank() ? "{}" : last });
  // A new document without any text has no unsaved changes, even if the site has sent the form back.
  const isText = ({ type }) => ["text", "textarea", "url"].includes(type);
  const isBlank = () => !here.dataset.key && [...form.elements].every((one) => !isTyped(one) || !isText(one) || !one.value.trim());
  const store = () => quietly(() => localStorage.setItem(ours() + own, JSON.stringify(entry())));
  const forget = (nonce) => quietly(() => localStorage.removeItem(ours() + nonce));
  const turnOf = (pair) => Number(pair?.split(":")[1]); // of "nonce:turn"

  const send = async (values, how = {}) => {
    const body = new FormData();
    for (const [name, value] of Object.entries({ csrfmiddlewaretoken: token(), ...values })) body.append(name, value);
    const answer = await fetch(here.dataset.url, { method: "POST", body, ...how });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };

  const say = (where, words) => {
    const line = here.querySelector(where);
    if (line.textContent !== words) line.textContent = words;
  };
  const tell = ({ others, newer }) => {
    if (!others) return;
    here.querySelector(".others").replaceChildren(...others.map((words) => {
      const line = document.createElement("li");
      line.textContent = words;
      return line;
    }));
    say(".newer", newer);
  };

  let timer, isLeaving = false;
  const keep = async () => {
    clearTimeout(timer);
    look();
    const sent = turn;
    if (isLeaving || kept === sent) return;
    try {
      const answer = await send(entry());
      if (sent < kept) return; // a later request was answered before
      kept = sent;
      if (sent === turn) forget(own);
      const query = new URLSearchParams(location.search);
      if (query.has("unsaved")) { // this form now holds those changes
        query.set("unsaved", own);
        history.replaceState(history.state, "", `?${query}${location.hash}`);
      }
      say(".kept", answer.kept ? interpolate(gettext("Autosaved at %s."), [answer.at]) : "");
      say(".failed", "");
      tell(answer);
    } catch (error) {
      if (sent < kept) return;
      say(".kept", "");
      say(".failed", error.message === "403"
        ? gettext("You are logged out. Your text is kept in this browser. Log in in another tab.")
        : gettext("The site can’t be reached. Your text is kept in this browser until it can."));
      timer = setTimeout(keep, AGAIN);
    }
  };

  // Sends all changes that this browser has stored while the site could not be reached, of any page. From then on
  // the site offers them.
  const bringBack = async () => {
    const names = quietly(() => Object.keys(localStorage).filter((name) => name.startsWith(ours()))) ?? [];
    for (const name of names) {
      const one = quietly(() => JSON.parse(localStorage.getItem(name)));
      const nonce = name.slice(ours().length);
      if (!one || nonce === own) continue;
      if (turnOf(one.nonce.split(" ").pop()) <= turnOf(before.find((pair) => pair.startsWith(nonce)))) {
        if (kept) forget(nonce); // this form now holds those changes
        continue;
      }
      try {
        const answer = await send(one).catch((error) => {
          if (error.message !== "404" || !one.key) throw error;
          return send({ ...one, key: "" }); // it was deleted or belongs to other editors: store the text for a new one
        });
        forget(nonce);
        if (answer.kept && one.key === here.dataset.key && !document.querySelector(`a[href="?unsaved=${nonce}"]`)) offer(nonce);
      } catch {
        return; // no network, or logged out: the next page tries again
      }
    }
  };
  const offer = (nonce) => {
    const line = document.createElement("p"), words = document.createElement("span"), link = document.createElement("a");
    line.className = "told offer";
    line.setAttribute("role", "status");
    words.textContent = gettext("You have unsaved changes in this browser.");
    link.className = "button";
    link.href = `?unsaved=${nonce}`;
    link.textContent = gettext("Continue");
    line.append(words, link);
    form.querySelector(".sheet").prepend(line);
  };

  if (form) {
    if (!("sent" in here.dataset)) {
      const fresh = form.cloneNode(true);
      fresh.reset(); // after Back, a browser fills the fields with what was typed there
      last = read = JSON.stringify(typed(fresh));
    }
    const chosen = () => [...form.elements].some(({ type, name, files }) => type === "file" && name && files.length);
    form.addEventListener("input", ({ target }) => {
      if (target.type === "file") {
        say(".file", chosen() ? gettext("Save before you leave this page, or the chosen file is lost.") : "");
      }
      const earlier = turn;
      look();
      if (turn === earlier) return;
      store();
      clearTimeout(timer);
      timer = setTimeout(keep, AFTER);
    });
    form.addEventListener("submit", () => {
      field("csrfmiddlewaretoken").value = token(); // the token is new after a log-in in another tab
      look();
      if (kept !== turn) store();
      isLeaving = true;
      clearTimeout(timer);
    });
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted && isLeaving && !here.dataset.key) location.reload(); // leads to what this form has created
      if (persisted) isLeaving = false;
    });
    addEventListener("pagehide", () => {
      look();
      const isNew = !isLeaving && kept !== turn;
      if (!isNew && !("presence" in here.dataset)) return;
      send({ ...(isNew ? entry() : page()), gone: "1" }, { keepalive: true }).catch(() => {});
    });
    addEventListener("beforeunload", (event) => { if (!isLeaving && chosen()) event.preventDefault(); });
    addEventListener("online", keep);
    form.querySelector(".preview input")?.addEventListener("focus", ({ target }) => target.select());
    if ("presence" in here.dataset) {
      setInterval(() => { if (!document.hidden) send(page()).then(tell, () => {}); }, TELL);
    }
    keep().then(bringBack);
  }
}
