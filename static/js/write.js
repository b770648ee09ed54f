// What is typed on an article's page is kept: in this browser at once, on the site after a few seconds of it.
// Who else has the article open, and what they saved meanwhile, is told by the same answers.
"use strict";
{
  const here = document.getElementById("here"), form = here?.closest("form");
  const NAMES = ["title", "standfirst", "body"];
  const AFTER = 3000, AGAIN = 10000, TELL = 20000; // milliseconds
  const quietly = (act) => { try { return act(); } catch { return undefined; } }; // storage may be forbidden or full
  const field = (name) => form.elements.namedItem(name);
  const text = () => Object.fromEntries(NAMES.map((name) => [name, field(name)?.value ?? ""]));
  const same = (one, other) => NAMES.every((name) => one[name] === other[name]);
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? field("csrfmiddlewaretoken").value;

  const ours = () => `unsaved ${here.dataset.editor} `;
  const entry = (texts) => ({ nonce: field("nonce").value, article: here.dataset.article, read: field("read").value, ...texts });
  const store = (one) => quietly(() => localStorage.setItem(ours() + one.nonce, JSON.stringify(one)));
  const forget = (nonce) => quietly(() => localStorage.removeItem(ours() + nonce));

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

  let kept, timer, isLeaving = false; // kept: the text that the site has, or undefined
  const isKept = (now) => kept !== undefined && same(now, kept);
  const keep = async () => {
    clearTimeout(timer);
    const now = text();
    if (isLeaving || isKept(now)) return;
    try {
      const answer = await send(entry(now));
      kept = now;
      if (same(now, text())) forget(field("nonce").value);
      say(".kept", answer.kept ? interpolate(gettext("Kept at %s, not saved yet."), [answer.at]) : "");
      say(".failed", "");
      tell(answer);
    } catch (error) {
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
      if (!one || one.nonce === field("nonce").value) continue;
      try {
        const answer = await send(one).catch((error) => {
          if (error.message !== "404" || !one.article) throw error;
          return send({ ...one, article: "" }); // the article is gone, or others edit it: kept for a new one
        });
        forget(one.nonce);
        if (answer.kept && one.article === here.dataset.article && !document.querySelector(`a[href="?unsaved=${one.nonce}"]`)) offer(one.nonce);
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
    link.textContent = gettext("Take them up");
    line.append(words, link);
    here.after(line);
  };

  if (form) {
    if ("sent" in here.dataset) timer = setTimeout(keep); // it came back and is saved nowhere yet
    else kept = text();
    form.addEventListener("input", ({ target }) => {
      if (!NAMES.includes(target.name)) return;
      store(entry(text()));
      clearTimeout(timer);
      timer = setTimeout(keep, AFTER);
    });
    form.addEventListener("submit", () => {
      field("csrfmiddlewaretoken").value = token(); // somebody may have logged in in another tab
      if (!isKept(text())) store(entry(text()));
      isLeaving = true;
      clearTimeout(timer);
    });
    addEventListener("pageshow", ({ persisted }) => { if (persisted) isLeaving = false; });
    addEventListener("pagehide", () => {
      const now = text(), isTyped = !isLeaving && !isKept(now);
      if (!isTyped && !("presence" in here.dataset)) return;
      send({ ...entry(isTyped ? now : {}), gone: "1" }, { keepalive: true }).catch(() => {});
    });
    addEventListener("online", keep);
    form.querySelector(".preview input")?.addEventListener("focus", ({ target }) => target.select());
    if ("presence" in here.dataset) {
      setInterval(() => { if (!document.hidden) send(entry({})).then(tell, () => {}); }, TELL);
    }
    bringBack();
  }
}
