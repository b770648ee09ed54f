// The forms that confirm actions on a story's publication: on a page of their own, and in dialogs of the editor page,
// whose buttons save the text as well. Without this script each button of the editor page leads to the page.
"use strict";
{
  // Shows a typed date and time in words ("14:00, in 2 h 10 min, Cairo time"), before the button is pressed. The site
  // knows its zone and language.
  const showRelativeTime = async (confirmation) => {
    const output = confirmation.querySelector(".moment");
    if (!output) return;
    const requestNumber = output.dataset.requests = Number(output.dataset.requests ?? 0) + 1;
    const [date, time] = confirmation.querySelectorAll("[type=date], [type=time]");
    const query = new URLSearchParams({ at_0: date.value, at_1: time.value });
    try {
      const answer = await fetch(`${output.dataset.url}?${query}`);
      const { text } = answer.ok ? await answer.json() : { text: "" };
      if (requestNumber === Number(output.dataset.requests)) output.textContent = text;
    } catch { /* the next change tries again */ }
  };
  const confirmations = document.querySelectorAll(".confirmation");
  for (const confirmation of confirmations) {
    confirmation.addEventListener("input", () => showRelativeTime(confirmation));
    if (confirmation.tagName !== "DIALOG") showRelativeTime(confirmation);
  }
  // "in 2 h 10 min" becomes "in 2 h 9 min"
  setInterval(() => {
    for (const confirmation of confirmations) if (confirmation.open ?? true) showRelativeTime(confirmation);
  }, 60000);

  // The fields of a closed dialog are neither sent nor validated. Their text is there when it opens again.
  const setDisabled = (dialog, isDisabled) => {
    for (const field of dialog.querySelectorAll("input, textarea")) field.disabled = isDisabled;
  };
  const form = document.querySelector(".writing > form");
  form?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const openDialog = button?.closest("dialog.confirmation");
    if (openDialog && "cancel" in button.dataset) return openDialog.close();
    const dialog = button?.name === "_then" && document.getElementById(`confirm-${button.value}`);
    if (dialog) {
      event.preventDefault();
      openDialog?.close();
      button.closest("details")?.removeAttribute("open");
      setDisabled(dialog, false);
      dialog.showModal();
      showRelativeTime(dialog);
    } else if (openDialog && !button.formNoValidate) {
      const wrong = [...openDialog.querySelectorAll("input")].find((input) => !input.checkValidity());
      if (!wrong) return;
      event.preventDefault();
      wrong.reportValidity();
    }
  });
  for (const dialog of form?.querySelectorAll("dialog.confirmation") ?? []) {
    // Enter in an input, and Ctrl with Enter anywhere, confirm. In an input it would save the form otherwise.
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      const isInput = event.target.tagName === "INPUT", isHeld = event.repeat; // since the button that opened the dialog
      if (!isInput && !isHeld && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      if (!isHeld && !event.shiftKey) dialog.querySelector(".default").click();
    });
    dialog.addEventListener("close", () => {
      setDisabled(dialog, true);
      form.querySelector(".split > .btn").focus();
    });
    setDisabled(dialog, true);
  }
}
