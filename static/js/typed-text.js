// For pages with several forms: stores the text that is typed into a form in this tab until the site accepts that form,
// so that no text is lost when another form is sent. The stored text belongs to the person who typed it.
"use strict";
{
  const FIELD_SELECTOR = "main form[method=post] textarea", { user } = document.currentScript.dataset;
  const pathOf = (form) => new URL(form.action).pathname;
  const keyOf = (field) => `typed ${user} ${pathOf(field.form)} ${field.id}`; // ids differ on one page, names do not
  const store = (field) => tryStorage(() => sessionStorage.setItem(keyOf(field), field.value));

  // The site accepted a form if it redirected here from the page with the form, or from the form's own URL, which shows
  // a refused form again.
  tryStorage(() => {
    const { page, action, keys } = JSON.parse(sessionStorage.getItem("typed and sent"));
    sessionStorage.removeItem("typed and sent");
    const isAccepted = [page, action].includes(new URL(document.referrer).pathname);
    if (isAccepted) for (const key of keys) sessionStorage.removeItem(key);
  });
  for (const field of document.querySelectorAll(FIELD_SELECTOR)) {
    if (field.value) store(field); // the site has refused the form and shows its text again
    else field.value = tryStorage(() => sessionStorage.getItem(keyOf(field))) ?? "";
    const closedDetails = field.value && field.closest("details:not([open])");
    // An opened <details> closes others of the same name. One that is open shows an error, so it stays open.
    if (!closedDetails) continue;
    if (!document.querySelector(`details[open][name="${closedDetails.name}"]`)) closedDetails.open = true;
  }
  document.addEventListener("input", ({ target }) => {
    if (target.matches(FIELD_SELECTOR)) store(target);
  });
  document.addEventListener("submit", ({ target }) => tryStorage(() => {
    const keys = [...target.querySelectorAll("textarea")].map(keyOf);
    const sent = { page: location.pathname, action: pathOf(target), keys };
    if (keys.length) sessionStorage.setItem("typed and sent", JSON.stringify(sent));
  }));
}
