// The editor of an article's body: a toolbar, a preview in place, and pasting or dropping formatted text and images.
// Without this script the field is a plain one, and it is submitted as it is.
"use strict";
{
  const container = document.querySelector("[data-render]");
  const field = document.getElementById("id_body");
  if (container && field) open(container, field);

  function open(container, field) {
    const { render: renderUrl, pasted: pastedUrl, upload: uploadUrl, css } = container.dataset;
    const form = field.form, row = field.closest(".form-row");
    const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);
    const make = globalThis.makeElement, hasMark = globalThis.hasMark;
    const post = (url, values) => {
      const data = new FormData();
      for (const [name, value] of Object.entries(values)) for (const one of [value].flat()) data.append(name, one);
      return fetch(url, { method: "POST", body: data, headers: { "X-CSRFToken": csrfToken(form) } });
    };
    const isJson = (answer) => answer.headers.get("Content-Type")?.startsWith("application/json");

    // The text. Changes go through execCommand, so that the field's own undo works.
    const selected = () => field.value.slice(field.selectionStart, field.selectionEnd);
    const write = (text, from = field.selectionStart, to = field.selectionEnd) => {
      field.focus();
      field.setSelectionRange(from, to);
      if (!text && from === to) return; // "delete" without a selection would act as Backspace
      const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
      if (!done && from + text.length !== to) {
        field.setRangeText(text, from, to, "end");
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    };
    const toggleMark = (mark) => {
      const [from, to, words] = [field.selectionStart, field.selectionEnd, selected()];
      if (words.includes("\n")) return toggleMarkOfLines(mark, from, words);
      const before = field.value.slice(0, from), after = field.value.slice(to);
      const [left, right] = [/\**$/.exec(before)[0], /^\**/.exec(after)[0]];
      if (hasMark(left, mark) && hasMark(right, mark)) {
        write(words, from - mark.length, to + mark.length);
        field.setSelectionRange(from - mark.length, to - mark.length);
        return;
      }
      if (!words && hasMark(right, mark) && isOpen(before, mark)) { // the same button that opened the mark closes it
        const gap = /\s*$/.exec(before)[0]; // Markdown does not close a mark after a space
        if (gap) write(mark + gap, from - gap.length, to + mark.length);
        else field.setSelectionRange(to + mark.length, to + mark.length);
        return;
      }
      const [, lead, inner, trail] = words.match(/^(\s*)([^]*?)(\s*)$/);
      const span = globalThis.markedSpan(field.value, mark, from + lead.length, to - trail.length);
      if (span) {
        const [start, end] = span;
        write(field.value.slice(start, end), start - mark.length, end + mark.length);
        const shift = (at) => Math.min(Math.max(at, start), end) - mark.length;
        field.setSelectionRange(shift(from), shift(to));
        return;
      }
      write(lead + mark + inner + mark + trail);
      const start = from + lead.length + mark.length;
      field.setSelectionRange(start, start + inner.length);
    };
    const isOpen = (before, mark) => {
      const line = before.slice(before.lastIndexOf("\n") + 1).replace(/^\s*\* /, "");
      return (mark.length > 1 ? line : line.replaceAll("**", "")).split(mark).length % 2 === 0;
    };
    const toggleMarkOfLines = (mark, from, words) => { // a mark can't span paragraphs or list items
      const line = /^([ \t]*(?:(?:[-*+>]|\d+[.)]|#+) +)*)((?!!\[)\S.*?)([ \t]*)$/gm;
      const isMarked = (text) => [/^\**/, /\**$/].every((stars) => hasMark(stars.exec(text)[0], mark));
      const areAll = [...words.matchAll(line)].every(([, , text]) => isMarked(text));
      const text = words.replace(line, (_, lead, inner, trail) => {
        if (areAll) return lead + inner.slice(mark.length, -mark.length) + trail;
        return lead + (isMarked(inner) ? inner : mark + inner + mark) + trail;
      });
      write(text);
      field.setSelectionRange(from, from + text.length);
    };
    const changeLines = (change) => {
      const from = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
      const end = field.value.indexOf("\n", Math.max(field.selectionEnd - (selected().endsWith("\n") ? 1 : 0), from));
      const to = end < 0 ? field.value.length : end;
      const text = change(field.value.slice(from, to).split("\n")).join("\n");
      write(text, from, to);
      field.setSelectionRange(from + (text.includes("\n") ? 0 : text.length), from + text.length);
    };
    const LIST_MARKER = /^(\s*)(?:[-*+]|\d+[.)]) /;
    const toggleLineMark = (mark, hasLineMark) => (all) =>
      all.every((line) => !line.trim() || hasLineMark(line))
        ? all.map((line) => line.replace(LIST_MARKER, "$1").replace(/^> ?/, ""))
        : all.map((line, n) => (line.trim() || all.length === 1 ? mark(n) + line.replace(LIST_MARKER, "$1") : line));
    const nextHeading = (all) => all.map((line) => {
      const [, marks, words] = line.match(/^(#*) *(.*)$/);
      return { 0: "## ", 2: "### " }[marks.length] ? { 0: "## ", 2: "### " }[marks.length] + words : words;
    });

    // The toolbar is one tab stop; the arrow keys move inside of it.
    const insertLink = () => {
      const words = selected();
      openForm(gettext("Link"), [
        { name: "url", label: gettext("URL"), value: /^https?:\S+$/.test(words) ? words : "https://" },
        { name: "words", label: gettext("Link text"), value: /^https?:\S+$/.test(words) ? "" : words },
      ], ({ url, words: text }, close, from, to) => {
        const target = addressOf(url);
        if (!target) return gettext("Enter a URL such as https://example.org/page, a page of this site such as /stories/…, or an e-mail address.");
        close(); // the text behind an open dialog can't be changed
        if (!text && /^https?:/i.test(target)) return write(`<${target}>`, from, to);
        write(`[${(text || url).replace(/[[\]]/g, "\\$&")}](${target})`, from, to);
      });
    };
    const addressOf = (typed) => {
      let scheme;
      if (/^(?:https?:\/\/[^\s/]|mailto:[^\s@]+@[^\s@]|[/#](?!\/))/i.test(typed)) scheme = "";
      else if (/^[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+$/.test(typed)) scheme = "mailto:";
      else if (/^[^\s@:/.]+(?:\.[^\s@:/.?#]+)+(?=[/?#:]|$)/.test(typed)) scheme = "https://";
      else return "";
      return scheme + typed.replace(/[\s()<>]/g, (sign) => "%" + sign.charCodeAt(0).toString(16).toUpperCase());
    };
    const picker = make("input", { type: "file", accept: "image/*", multiple: true, hidden: true, ariaLabel: gettext("Images") });
    picker.addEventListener("change", () => { addImages([...picker.files]); picker.value = ""; });
    const tools = [
      ["B", gettext("Bold"), () => toggleMark("**"), "b", "strong"],
      ["I", gettext("Italic"), () => toggleMark("*"), "i", "em"],
      ["H", gettext("Heading"), () => changeLines(nextHeading), "alt+2"],
      ["• –", gettext("List"), () => changeLines(toggleLineMark(() => "- ", (line) => /^\s*[-*+] /.test(line))), "shift+8"],
      ["1. 2.", gettext("Numbered list"), () => changeLines(toggleLineMark((n) => `${n + 1}. `, (line) => /^\s*\d+[.)] /.test(line))), "shift+7"],
      ["❝", gettext("Quotation"), () => changeLines(toggleLineMark(() => "> ", (line) => /^> /.test(line))), "shift+9"],
      [gettext("Link"), gettext("Link"), insertLink, "k"],
      ...(uploadUrl ? [[gettext("Image"), gettext("Image"), () => picker.click(), ""]] : []),
      [gettext("Library"), gettext("Choose from library"), () => {
        const [from, to] = [field.selectionStart, field.selectionEnd];
        chooseImage(({ markdown }) => insertImage(markdown, from, to), () => {
          field.focus();
          field.setSelectionRange(from, to); // Chromium has moved the caret to the start
        });
      }, ""],
    ];
    const keysOf = (key) => key && (isMac ? "⌘" : "Ctrl+") + key.split("+").map((part) => part[0].toUpperCase() + part.slice(1)).join("+");
    const bar = make("div", { className: "editor-tools", role: "toolbar", ariaLabel: gettext("Formatting") });
    bar.setAttribute("aria-controls", field.id);
    for (const [sign, name, act, key] of tools) {
      const title = key ? `${name} (${keysOf(key)})` : name;
      const button = make("button", { type: "button", textContent: sign, title, tabIndex: bar.children.length ? -1 : 0 });
      if (sign !== name) button.ariaLabel = name;
      if (key) button.setAttribute("aria-keyshortcuts", (isMac ? "Meta+" : "Control+") + key);
      button.dataset.tool = name;
      button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
      button.addEventListener("click", () => act());
      bar.append(button);
    }
    bar.addEventListener("keydown", (event) => {
      const all = [...bar.children], at = all.indexOf(document.activeElement);
      const back = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft", on = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
      const to = { [back]: at - 1, [on]: at + 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      const next = all[(to + all.length) % all.length];
      all.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
      next.focus();
    });
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) continueList(event);
      if (!(isMac ? event.metaKey : event.ctrlKey)) return;
      const digit = /^Digit(\d)$/.exec(event.code)?.[1];
      const pressed = (event.altKey ? "alt+" : "") + (event.shiftKey ? "shift+" : "") + (digit ?? event.key.toLowerCase());
      const tool = tools.find(([, , , key]) => key && key === pressed);
      if (!tool) return;
      event.preventDefault();
      tool[2]();
    });
    // Shortcuts of the buttons in the bar.
    const shortcuts = [
      ["s", "[name=_save]", gettext("save")],
      ["shift+enter", "[data-preview]", gettext("preview")],
      ["enter", "[name=_then][value=publish]", gettext("publish")],
    ].filter(([, button]) => form.querySelector(button));
    for (const [key, button] of shortcuts) {
      for (const one of form.querySelectorAll(button)) one.setAttribute("aria-keyshortcuts", keysOf(key).replace("⌘", "Meta+").replace("Ctrl", "Control"));
    }
    // The document listens, because nothing has the focus after the page is loaded, as after a refused save.
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.isComposing || !(isMac ? event.metaKey : event.ctrlKey)) return;
      const pressed = (event.shiftKey ? "shift+" : "") + event.key.toLowerCase();
      const shortcut = shortcuts.find(([key]) => key === pressed);
      if (!shortcut) return;
      event.preventDefault();
      // An open dialog answers its own keys. The browser's own action, such as "Save page", does not appear there either.
      if (!event.repeat && !event.target.closest("dialog")) form.querySelector(shortcut[1]).click();
    });
    const continueList = (event) => { // Enter continues a list; in an empty item it ends the list
      const from = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
      const line = field.value.slice(from, field.selectionStart);
      const found = /^(\s*)(?:([-*+])|(\d+)([.)])) (.*)$/.exec(line);
      if (!found || field.selectionStart !== field.selectionEnd) return;
      event.preventDefault();
      const [, lead, bullet, number, dot, words] = found;
      if (words.trim()) write(`\n${lead}${bullet ?? Number(number) + 1 + dot} `);
      else write("\n", from, field.selectionStart); // without an empty line, the next line would belong to the last item
    };

    // Shows a small form in a dialog, and returns the focus to the text, or to `opener`. `check` returns what is wrong
    // with the main field, or "", before `done` is called.
    function openForm(title, fields, done, { picture, cancelled, check, button = gettext("Insert"), opener = field } = {}) {
      const [from, to] = [field.selectionStart, field.selectionEnd];
      const box = make("dialog", { className: "editor-dialog" });
      box.setAttribute("aria-labelledby", "editor-title");
      const inner = make("form", { method: "dialog" }, make("h2", { id: "editor-title", textContent: title }));
      if (picture) inner.append(picture);
      for (const { label, hint, name, type = "text", value = "", required = name === "url" } of fields) {
        const input = make(type === "area" ? "textarea" : "input", { name, required, id: `editor-${name}` });
        if (type === "area") input.rows = 3; else input.type = type;
        if (name === "url") Object.assign(input, { inputMode: "url", autocapitalize: "off" });
        if (type === "checkbox") input.checked = value; else input.value = value;
        if (hint) input.setAttribute("aria-describedby", `editor-${name}-hint`);
        const labelElement = make("label", { htmlFor: input.id, textContent: label });
        const row = make("p", type === "checkbox" ? { className: "check" } : {}, ...(type === "checkbox" ? [input, labelElement] : [labelElement, input]));
        if (hint) row.append(make("small", { id: `editor-${name}-hint`, textContent: hint }));
        inner.append(row);
      }
      const errorLine = make("p", { className: "errornote", role: "alert", hidden: true });
      const insert = make("button", { type: "submit", className: "button default", textContent: button });
      const cancel = make("button", { type: "button", className: "button", textContent: gettext("Cancel") });
      const buttons = make("p", { className: "action-bar" }, insert, cancel);
      inner.append(errorLine, buttons);
      box.append(inner);
      const mainField = inner.querySelector("[name=url], [name=alt]") ?? inner.elements[0];
      const explain = (problem) => {
        errorLine.textContent = problem;
        errorLine.hidden = false;
        mainField.focus();
      };
      let isDone = false;
      inner.addEventListener("submit", async (event) => {
        event.preventDefault();
        const values = {};
        for (const input of inner.querySelectorAll("input, textarea")) {
          values[input.name] = input.type === "checkbox" ? input.checked : input.value.trim();
        }
        const mistake = check?.(values);
        if (mistake) {
          mainField.parentElement.after(errorLine);
          return explain(mistake);
        }
        insert.disabled = true;
        const problem = await done(values, () => { isDone = true; box.close(); }, from, to);
        insert.disabled = false;
        if (typeof problem === "string") {
          buttons.before(errorLine);
          explain(problem);
        } else if (!isDone) {
          isDone = true;
          box.close();
        }
      });
      cancel.addEventListener("click", () => box.close());
      openDialog(box, () => { if (!isDone) cancelled?.(); }, opener);
      mainField.select();
    }

    // Pasting inserts the plain text at once, and replaces it by the Markdown when the site has converted it.
    const FORMATTING = /<(?:a|b|strong|i|em|s|strike|h[1-6]|ul|ol|li|blockquote|table|img)\b|mso-list|font-weight:\s*(?:bold|[6-9]00)|font-style:\s*italic/i;
    field.addEventListener("paste", async (event) => {
      const clipboard = event.clipboardData;
      const files = imageFiles(clipboard);
      const html = clipboard.getData("text/html"), plain = clipboard.getData("text/plain").replaceAll("\r\n", "\n");
      if (files.length && !plain.trim()) {
        event.preventDefault();
        addImages(files);
        return;
      }
      if (!html || !FORMATTING.test(html)) return;
      const first = 1 + Math.max(0, ...[...field.value.matchAll(/⟦[^⟦⟧]* (\d+)⟧/g)].map((found) => Number(found[1])));
      const { markup, pictures } = uploadUrl ? takePictures(clipboard, html, first) : { markup: html, pictures: [] };
      event.preventDefault();
      const from = field.selectionStart;
      write(plain);
      const before = field.value;
      try {
        const answer = await post(pastedUrl, { html: markup });
        if (!isJson(answer)) return setStatus(gettext("Pasted without formatting: the site answered with an error. You may have been logged out."));
        const { markdown, note } = await answer.json();
        if (!answer.ok) return setStatus(note);
        if (field.value.slice(from, from + plain.length) !== plain) {
          return setStatus(gettext("Pasted without formatting, because the text has changed meanwhile."));
        }
        const [start, end, isWhole] = [field.selectionStart, field.selectionEnd, field.value === before];
        const item = /^- |^\d+\. /.test(markdown) && /(?:^|\n)((?:[-*+]|\d+[.)]) )$/.exec(before.slice(0, from))?.[1];
        const markerLength = item ? item.length : 0; // a list pasted into an empty item replaces the item
        const lengthChange = markdown.length - plain.length - markerLength;
        write(markdown, from - markerLength, from + plain.length);
        if (!isWhole || start !== from + plain.length) { // the user has continued to type
          const move = (at) => (at >= from + plain.length ? at + lengthChange : at);
          field.setSelectionRange(move(start), move(end));
        }
        setStatus(note);
        addImages(pictures.map(({ file }) => file), new Map(pictures.map(({ file, number }) => [file, number])), note);
      } catch {
        setStatus(gettext("Pasted without formatting, because the site can’t be reached."));
      }
    });

    // Images: a dialog asks for the description of each before it is inserted.
    const descriptionFields = [
      { name: "alt", label: gettext("Alternative text"), type: "area", hint: gettext("Describe the image for people who can’t see it.") },
      { name: "is_decorative", label: gettext("Purely decorative"), type: "checkbox" },
    ];
    const checkDescription = ({ alt, is_decorative: isDecorative }) => {
      if (!alt && !isDecorative) return gettext("Describe the image for people who can’t see it, or tick “Purely decorative”.");
      if (alt && isDecorative) return gettext("A decorative image has no alternative text. Clear the text, or untick this.");
      return "";
    };
    const pictureOf = (file) => {
      const picture = make("canvas", { className: "editor-picture", hidden: true }); // the content policy forbids blob: images
      createImageBitmap(file, { resizeWidth: 480, resizeQuality: "medium" }).then((bitmap) => {
        Object.assign(picture, { width: bitmap.width, height: bitmap.height, hidden: false });
        picture.getContext("2d").drawImage(bitmap, 0, 0);
      }, () => {}); // the site may support formats that the browser can't show
      return picture;
    };
    field.addEventListener("dragover", (event) => {
      if (uploadUrl && [...event.dataTransfer.types].includes("Files")) event.preventDefault();
    });
    field.addEventListener("drop", (event) => {
      const files = imageFiles(event.dataTransfer);
      if (!uploadUrl || !files.length) return;
      event.preventDefault();
      addImages(files);
    });
    const insertImage = (markdown, from, to) => {
      const before = field.value.slice(0, from), after = field.value.slice(to);
      const lead = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
      const trail = after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
      write(lead + markdown + trail, from, to);
      field.blur();
      field.focus(); // makes browsers scroll to the caret
    };
    // `places`: by file, the number of its placeholder in the text, "⟦image 3⟧".
    // `notes`: those about the images before, shown until the last dialog is closed.
    function addImages([file, ...rest], places = new Map(), notes = "") {
      if (notes) setStatus(notes);
      if (!file || !uploadUrl) return;
      const next = (note) => addImages(rest, places, [notes, note].filter(Boolean).join(" "));
      const place = () => {
        const found = places.has(file) && new RegExp(`⟦[^⟦⟧]* ${places.get(file)}⟧`).exec(field.value);
        return found && [found.index, found.index + found[0].length];
      };
      openForm(interpolate(gettext("Image: %(name)s"), { name: file.name }, true), [
        ...descriptionFields,
        { name: "caption", label: gettext("Caption"), type: "text" },
        { name: "credit", label: gettext("Credit"), type: "text" },
      ], async (values, close, from, to) => {
        const { is_decorative: isDecorative, ...texts } = values;
        try {
          const answer = await post(uploadUrl, { file, ...texts, ...(isDecorative ? { is_decorative: "on" } : {}) });
          if (!isJson(answer)) return gettext("Not uploaded: the site answered with an error. You may have been logged out.");
          const image = await answer.json();
          if (!answer.ok) return Object.values(image.errors).flat().map((one) => one.message ?? one).join(" ");
          close();
          const placeholder = place();
          if (placeholder) {
            write(image.markdown, ...placeholder);
            setStatus(image.note);
            return next(image.note);
          }
          insertImage(image.markdown, from, to);
          setStatus(image.note);
          next(image.note);
        } catch {
          return gettext("Not uploaded: the site can’t be reached. Try again in a moment.");
        }
      }, { picture: pictureOf(file), check: checkDescription, cancelled: () => { if (place()) write("", ...place()); next(); } });
    }

    // The description of an uploaded lead image is asked for before the form is sent: the browser would forget the file
    // on the page that asks for it afterwards.
    form.addEventListener("submit", (event) => {
      const { lead_file: upload, lead_alt: alt, lead_is_decorative: decorative } = form.elements, { submitter } = event;
      if (!upload?.files.length || alt.value.trim() || decorative.checked || submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const [file] = upload.files;
      openForm(interpolate(gettext("Image: %(name)s"), { name: file.name }, true), descriptionFields, (values, close) => {
        alt.value = values.alt;
        decorative.checked = values.is_decorative;
        alt.dispatchEvent(new Event("input", { bubbles: true }));
        close();
        form.requestSubmit(submitter);
      }, { picture: pictureOf(file), check: checkDescription, button: submitter?.textContent.trim() || gettext("Save"), opener: submitter });
    }, { capture: true });

    // The preview is in a frame, because it is a page of the site with its own styles.
    const frame = make("iframe", { title: gettext("Preview"), className: "editor-frame" });
    const theme = document.documentElement.dataset.theme;
    const themed = ["light", "dark"].includes(theme) ? ` data-theme="${theme}"` : "";
    frame.srcdoc = `<!doctype html><html lang="${document.documentElement.lang}" dir="${document.dir || "ltr"}"${themed}>` +
      `<head><meta charset="utf-8"><title>${gettext("Preview")}</title><base target="_blank">` +
      css.split(" ").filter(Boolean).map((url) => `<link rel="stylesheet" href="${url}">`).join("") + "</head><body><main></main></body></html>";
    const count = make("p", { className: "editor-count" });
    const status = make("p", { className: "editor-status", role: "status" });
    const keys = make("p", { className: "editor-keys" });
    for (const [key, , words] of shortcuts) keys.append(make("span", {}, make("kbd", { textContent: keysOf(key) }), ` ${words}`), " ");
    const setStatus = (text) => { status.textContent = text || ""; };

    const previewFields = ["title", "standfirst", "byline", "lead_image", ...[0, 1, 2, 3].map((place) => `signed_${place}`)];
    let latestRequest = 0, timer = 0;
    const render = async () => {
      const request = ++latestRequest;
      const values = { body: field.value };
      for (const name of previewFields) values[name] = form.elements[name]?.value ?? "";
      values.topics = new FormData(form).getAll("topics");
      try {
        const answer = await post(renderUrl, values);
        if (!answer.ok || request !== latestRequest) return;
        const { html, lang, dir, count: wordCount } = await answer.json();
        count.textContent = wordCount;
        const main = frame.contentDocument?.querySelector("main");
        if (!main) return;
        Object.assign(frame.contentDocument.documentElement, { lang, dir });
        main.innerHTML = html;
      } catch { /* the next key press tries again */ }
    };
    const scheduleRender = () => { clearTimeout(timer); timer = setTimeout(render, 350); };
    form.addEventListener("input", (event) => {
      if (["body", "topics", ...previewFields].includes(event.target.name)) scheduleRender();
    });
    frame.addEventListener("load", render);

    // The preview takes the place of the text, at the same place in it. The browser's Back leads to the text again.
    const toggle = form.querySelector("[data-preview]");
    let scrolledShare = 0; // the share of the page above the screen
    const page = document.scrollingElement;
    const scrollPreview = () => {
      const shown = frame.contentDocument?.scrollingElement;
      if (shown) shown.scrollTop = scrolledShare * (shown.scrollHeight - shown.clientHeight);
    };
    const show = (view) => {
      if (view === row.dataset.view) return;
      if (view === "preview") scrolledShare = page.scrollTop / Math.max(1, page.scrollHeight - page.clientHeight);
      row.dataset.view = view;
      toggle.ariaPressed = String(view === "preview");
      if (view === "preview") {
        page.scrollTop = 0;
        scrollPreview();
      } else {
        page.scrollTop = scrolledShare * (page.scrollHeight - page.clientHeight);
      }
    };
    const showViewOfUrl = () => show(location.hash === "#preview" ? "preview" : "write");
    toggle.type = "button";
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      if (row.dataset.view === "write") history.pushState({ ...history.state, isPreview: true }, "", "#preview");
      else if (history.state?.isPreview) return history.back();
      else history.replaceState(history.state, "", location.pathname + location.search);
      showViewOfUrl();
    });
    addEventListener("popstate", showViewOfUrl);

    field.before(bar, picker);
    field.after(frame, make("div", { className: "editor-foot" }, count, keys, status));
    show("write");
    // A form that was not saved shows the reason above the text, where the preview would hide it.
    const isRefused = form.querySelector(".errornote, .conflict");
    if (isRefused) history.replaceState(history.state, "", location.pathname + location.search);
    showViewOfUrl();
  }
}
