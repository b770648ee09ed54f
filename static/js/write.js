// What is typed on the page of a story or a standing page is kept: in this browser at once, on the site after a few
// seconds of it. Who else has it open, and what they saved meanwhile, is told by the same answers.
"use strict";
{
  const here = document.getElementById("here"), form = here?.closest("form");
  const AFTER = 3000, AGAIN = 10000, TELL = 20000; // milliseconds
  const quietly = (act) => { try { return act(); } catch { return undefined; } }; // storage may be forbidden or full
  const field = (name) => form.elements.namedItem(name);
  const isTyped = ({ name, type }) => name && !/^(_|take-)|__prefix__/.test(name) && !["hidden", "file", "submit"].includes(type);
  const typed = (of = form) => { // by name, also of what has no value: nothing is ticked there
    const values = {};
    for (const one of of.elements) if (isTyped(one)) values[one.name] = [];
    for (const [name, value] of new FormData(of)) values[name]?.push(value);
    return values;
  };
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? field("csrfmiddlewaretoken").value;

  // A sheet is this form in this window: its own nonce, and in what turn of its text it is. Requests may overtake each
  // other, and what an earlier turn says changes nothing. Those before are of the sheets that this one went on from.
  const before = form ? field("nonce").value.split(" ") : [], own = before.pop()?.split(":")[0];
  let turn = 0, kept = 0, last, read; // kept: the latest turn that the site has; read: how the form came, if it is stored so
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
  const entry = () => ({ ...page(), typed: last === read ? "{}" : last });
  const store = () => quietly(() => localStorage.setItem(ours() + own, JSON.stringify(entry())));
  const forget = (nonce) => quietly(() => localStorage.removeItem(ours() + nonce));
  const turnOf = (sheet) => Number(sheet?.split(":")[1]);

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
      if (sent < kept) return; // a later one was answered before
      kept = sent;
      if (sent === turn) forget(own);
      if (new URLSearchParams(location.search).has("unsaved")) history.replaceState(null, "", `?unsaved=${own}`); // it has gone over
      say(".kept", answer.kept ? interpolate(gettext("Kept at %s, not saved yet."), [answer.at]) : "");
      say(".failed", "");
      tell(answer);
    } catch (error) {
      if (sent < kept) return;
      say(".kept", "");
      say(".failed", error.message === "403"
        ? gettext("You are logged out. What you type is kept in this browser; log in in another tab.")
        : gettext("The site can’t be reached. What you type is kept in this browser until it can."));
      timer = setTimeout(keep, AGAIN);
    }
  };

  // What this browser kept while the site could not be reached, of whatever page: the site offers it from now on.
  const bringBack = async () => {
    const names = quietly(() => Object.keys(localStorage).filter((name) => name.startsWith(ours()))) ?? [];
    for (const name of names) {
      const one = quietly(() => JSON.parse(localStorage.getItem(name)));
      const nonce = name.slice(ours().length);
      if (!one || nonce === own) continue;
      if (turnOf(one.nonce.split(" ").pop()) <= turnOf(before.find((sheet) => sheet.startsWith(nonce)))) {
        if (kept) forget(nonce); // it has gone over into this sheet
        continue;
      }
      try {
        const answer = await send(one).catch((error) => {
          if (error.message !== "404" || !one.key) throw error;
          return send({ ...one, key: "" }); // it is gone, or others edit it: kept for a new one
        });
        forget(nonce);
        if (answer.kept && one.key === here.dataset.key && !document.querySelector(`a[href="?unsaved=${nonce}"]`)) offer(nonce);
      } catch {
        return; // there is no network, or nobody is logged in: the next page tries again
      }
    }
  };
  const offer = (nonce) => {
    const line = document.createElement("p"), words = document.createElement("span"), link = document.createElement("a");
    line.className = "told offer";
    line.setAttribute("role", "status");
    words.textContent = gettext("You have unsaved changes that this browser kept.");
    link.className = "button";
    link.href = `?unsaved=${nonce}`;
    link.textContent = gettext("Continue");
    line.append(words, link);
    here.after(line);
  };

  if (form) {
    if (!("sent" in here.dataset)) {
      const fresh = form.cloneNode(true);
      fresh.reset(); // a browser that comes back to a page puts into its fields what was typed there
      last = read = JSON.stringify(typed(fresh));
    }
    const chosen = () => [...form.elements].some(({ type, name, files }) => type === "file" && name && files.length);
    form.addEventListener("input", ({ target }) => {
      if (target.type === "file") {
        say(".file", chosen() ? gettext("No browser keeps a chosen file: it is lost if you leave before you save.") : "");
      }
      const earlier = turn;
      look();
      if (turn === earlier) return;
      store();
      clearTimeout(timer);
      timer = setTimeout(keep, AFTER);
    });
    form.addEventListener("submit", () => {
      field("csrfmiddlewaretoken").value = token(); // somebody may have logged in in another tab
      look();
      if (kept !== turn) store();
      isLeaving = true;
      clearTimeout(timer);
    });
    addEventListener("pageshow", ({ persisted }) => { if (persisted) isLeaving = false; });
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
