// On a page with several forms: text that was typed into one of them is stored in this tab while another one is sent.
"use strict";
{
  const forms = [...document.querySelectorAll("main form[method=post]")];
  const fieldsOf = (form) => [...form.querySelectorAll("textarea")];
  const keyOf = (field) => `typed ${new URL(field.form.action).pathname} ${field.id}`; // ids differ on one page, names do not
  for (const field of forms.flatMap(fieldsOf)) {
    const typed = tryStorage(() => sessionStorage.getItem(keyOf(field)));
    if (!typed || field.value) continue; // what the site sent back is newer
    field.value = typed;
    const closed = field.closest("details");
    if (closed) closed.open = true;
  }
  document.addEventListener("input", ({ target }) => {
    if (target.matches("main form[method=post] textarea")) tryStorage(() => sessionStorage.setItem(keyOf(target), target.value));
  });
  document.addEventListener("submit", ({ target }) => {
    for (const field of fieldsOf(target)) tryStorage(() => sessionStorage.removeItem(keyOf(field)));
  });
}
