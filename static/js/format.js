// Formatting buttons, quoting selected text, a countdown near the limit, and saving the draft of a member, for the reply
// form. A module that is loaded with the first form that opens; the form also works without it.
const COUNTDOWN_FROM = 500; // characters before the limit
const SAVE_DELAY = 2000; // milliseconds without a key, after which a draft is saved

// Replaces the text between two positions so that the browser's Undo knows of it, and selects a part of the new text.
const replace = (field, start, end, text, from = text.length, to = from) => {
  field.focus();
  field.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  field.setSelectionRange(start + from, start + to);
};
const selectedText = ({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd);
const startOfLine = (value, at) => value.lastIndexOf("\n", at - 1) + 1;
// The next two functions serve the editor of stories, too.
// hasMark returns whether a row of stars or backticks contains this mark.
globalThis.hasMark = (signs, mark) => (mark.length > 1 ? signs.length > 1 : signs.length % 2 === 1);
// markedSpan returns [start, end] of the marked words of a line, without their marks: those around or in a selection,
// or around a caret.
globalThis.markedSpan = (value, mark, from, to) => {
  const first = startOfLine(value, from);
  let line = value.slice(first).split("\n", 1)[0];
  if (mark !== "`") line = line.replace(/(`+)[^]*?\1/g, (code) => "x".repeat(code.length)); // stars in code are no marks
  const more = from < to ? mark.length : 0; // a selection may include the marks
  let start = 0;
  for (const { 0: signs, index } of line.matchAll(mark === "`" ? /\\?`+/g : /\\?\*+/g)) {
    const inner = start ? line[index - 1] : line[index + signs.length];
    if (!hasMark(signs, mark) || signs[0] === "\\" || !inner?.trim()) continue;
    const end = first + index;
    if (start && start - more <= from && to <= end + more) return [start, end];
    start = start ? 0 : end + signs.length;
  }
};
const toggleMark = (mark, sample) => (field) => {
  const { selectionStart: start, selectionEnd: end } = field;
  const [from, to] = markedSpan(field.value, mark, start, end) ?? [];
  if (start === end && end === to) return field.setSelectionRange(to + mark.length, to + mark.length); // closes the mark
  if (from) {
    const shift = (at) => Math.min(Math.max(at, from), to) - from;
    return replace(field, from - mark.length, to + mark.length, field.value.slice(from, to), shift(start), shift(end));
  }
  const text = selectedText(field) || sample;
  return replace(field, start, end, mark + text + mark, mark.length, mark.length + text.length);
};
const togglePrefix = (prefix, prefixed) => (field) => {
  const start = startOfLine(field.value, field.selectionStart);
  const end = field.selectionEnd;
  const whole = field.value.slice(start, end) + field.value.slice(end).split("\n", 1)[0];
  if (whole.split("\n").every((line) => prefixed.test(line))) {
    const text = whole.split("\n").map((line) => line.replace(prefixed, "")).join("\n");
    return replace(field, start, start + whole.length, text, Math.max(0, text.length - whole.length + end - start));
  }
  const lines = field.value.slice(start, end).split("\n");
  // Markdown begins a quotation or a list at a new paragraph.
  const gap = start && !/\n\n$/.test(field.value.slice(0, start)) ? "\n" : "";
  return replace(field, start, end, gap + lines.map((line) => prefix + line).join("\n"));
};
// Text of the page that is selected is quoted in its own paragraph.
const quote = (field) => {
  const selection = getSelection();
  const text = selection.isCollapsed || field.form.contains(selection.anchorNode) ? "" : selection.toString().trim();
  if (!text) return togglePrefix("> ", /^> ?/)(field);
  const at = field.selectionEnd;
  const before = field.value.slice(0, at).trimEnd();
  const lines = text.split(/\n+/).map((line) => `> ${line}`).join("\n>\n");
  return replace(field, before.length, at, `${before ? "\n\n" : ""}${lines}\n\n`);
};
const link = (field) => {
  const { selectionStart: start, selectionEnd: end } = field;
  const text = selectedText(field) || gettext("text");
  replace(field, start, end, `[${text}](https://)`, text.length + 3, text.length + 11);
};
const TOOLS = [
  ["B", gettext("Bold"), toggleMark("**", gettext("bold"))],
  ["I", gettext("Italic"), toggleMark("*", gettext("italic"))],
  ["❝", gettext("Quote"), quote],
  ["•", gettext("List"), togglePrefix("- ", /^[-*+] /)],
  ["</>", gettext("Code"), toggleMark("`", gettext("code"))],
  ["[ ]", gettext("Link"), link],
];

const addTools = (field) => {
  const tools = document.createElement("span");
  tools.className = "tools";
  tools.role = "group";
  tools.ariaLabel = gettext("Formatting");
  for (const [sign, label, act] of TOOLS) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.title = button.ariaLabel = label;
    button.addEventListener("mousedown", (event) => event.preventDefault()); // keeps what is selected
    button.addEventListener("click", () => act(field));
    tools.append(button);
  }
  field.before(tools);
};
const addCountdown = (field, limit) => {
  const status = document.createElement("span");
  status.className = "form-text";
  status.role = "status";
  field.after(status);
  const count = () => {
    // The server counts characters, of which some are two units of a string.
    const left = field.value.length > limit - COUNTDOWN_FROM ? limit - [...field.value].length : COUNTDOWN_FROM + 1;
    const text = left < 0
      ? ngettext("%(n)s character too many", "%(n)s characters too many", -left)
      : ngettext("%(n)s character left", "%(n)s characters left", left);
    status.textContent = left > COUNTDOWN_FROM ? "" : interpolate(text, { n: Math.abs(left) }, true);
  };
  field.addEventListener("input", count);
  count();
};
// The site has the text of a member for other devices and later log-ins. The browser has it, too (site.js).
const saveDrafts = (field) => {
  const form = field.form;
  let timer = 0;
  let saved = field.dataset.at ? field.defaultValue : ""; // the text of a preview may have been refused
  const confirm = (text) => { try { replyDrafts.confirm(form, text); } catch { /* storage may be forbidden */ } };
  confirm(saved);
  const save = async () => {
    clearTimeout(timer);
    if (field.value === saved || !field.isConnected) return;
    const text = saved = field.value;
    const body = new FormData(form);
    body.set("draft", "1");
    const response = await fetch(form.action, { method: "POST", body, keepalive: true }).catch(() => null);
    if (response?.ok) confirm(text);
    else saved = null; // tried again with the next key
  };
  const saveLater = () => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_DELAY);
  };
  field.addEventListener("input", saveLater);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    saved = field.value;
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  saveLater(); // a draft of this browser
};
const enhance = (form) => {
  const field = form.querySelector("textarea");
  if (!field) return;
  const styles = form.querySelector("link");
  if (styles.sheet) addTools(field);
  else styles.addEventListener("load", () => addTools(field)); // without them the buttons would move the field
  addCountdown(field, Number(form.dataset.most));
  if (form.dataset.owner) saveDrafts(field);
};
for (const form of document.querySelectorAll(".reply-form")) enhance(form);
document.addEventListener("htmx:load", ({ target }) => {
  if (target.matches(".reply-form")) enhance(target);
});
