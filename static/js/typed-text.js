// On a page with several forms: a text that was typed into one of them is stored in this tab, for the person who typed it,
// until its form is accepted. So it is not lost if another form is sent.
"use strict";
{
  const fields = "main form[method=post] textarea", { user } = document.currentScript.dataset;
  const pathOf = (form) => new URL(form.action).pathname;
  const keyOf = (field) => `typed ${user} ${pathOf(field.form)} ${field.id}`; // ids differ on one page, names do not
  const store = (field) => tryStorage(() => sessionStorage.setItem(keyOf(field), field.value));

  // After a form is accepted, the site leads here from the page with that form, or from the one that has repeated it.
  tryStorage(() => {
    const { page, action, keys } = JSON.parse(sessionStorage.getItem("typed and sent"));
    sessionStorage.removeItem("typed and sent");
    if ([page, action].includes(new URL(document.referrer).pathname)) for (const key of keys) sessionStorage.removeItem(key);
  });
  for (const field of document.querySelectorAll(fields)) {
    if (field.value) store(field); // the site has refused it and sent it back
    else field.value = tryStorage(() => sessionStorage.getItem(keyOf(field))) ?? "";
    const closed = field.value && field.closest("details:not([open])");
    // Opening one <details> closes others of its name: not the one with an error.
    if (closed && !document.querySelector(`details[open][name="${closed.name}"]`)) closed.open = true;
  }
  document.addEventListener("input", ({ target }) => {
    if (target.matches(fields)) store(target);
  });
  document.addEventListener("submit", ({ target }) => tryStorage(() => {
    const keys = [...target.querySelectorAll("textarea")].map(keyOf);
    const sent = { page: location.pathname, action: pathOf(target), keys };
    if (keys.length) sessionStorage.setItem("typed and sent", JSON.stringify(sent));
  }));
}
