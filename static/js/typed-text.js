// On a page with several forms: a typed text is stored in this tab until the page shows it as saved. So it is not lost
// if another form is sent, if the site refuses it or if the site asks to log in first.
"use strict";
{
  const fields = "main form[method=post] textarea";
  const keyOf = (field) => `typed ${new URL(field.form.action).pathname} ${field.id}`; // ids differ on one page, names do not
  const store = (field) => tryStorage(() => sessionStorage.setItem(keyOf(field), field.value));
  const withoutSpaces = (text) => text.replace(/\s+/g, "");
  const saved = [...document.querySelectorAll("main :is(div, q)[dir=auto]")].map((node) => withoutSpaces(node.textContent));
  for (const field of document.querySelectorAll(fields)) {
    const typed = tryStorage(() => sessionStorage.getItem(keyOf(field)));
    if (field.value) store(field); // what the site sent back is newer
    else if (typed && saved.includes(withoutSpaces(typed))) tryStorage(() => sessionStorage.removeItem(keyOf(field)));
    else if (typed) {
      field.value = typed;
      const closed = field.closest("details");
      if (closed) closed.open = true;
    }
  }
  document.addEventListener("input", ({ target }) => {
    if (target.matches(fields)) store(target);
  });
}
