// The questions of the actions on a story's publication: on a page of their own, and in dialogs of the editor page, whose
// buttons save the text as well. Without this script each button of the editor page leads to the page.
"use strict";
{
  // Says when a typed date and time is ("14:00, in 2 h 10 min, Cairo time"), before the button is pressed. The site
  // knows its zone and language.
  const sayMoment = async (question) => {
    const output = question.querySelector(".moment");
    if (!output) return;
    const turn = output.dataset.turn = Number(output.dataset.turn ?? 0) + 1;
    const [date, time] = question.querySelectorAll("[type=date], [type=time]");
    const query = new URLSearchParams({ at_0: date.value, at_1: time.value });
    try {
      const answer = await fetch(`${output.dataset.url}?${query}`);
      const { text } = answer.ok ? await answer.json() : { text: "" };
      if (turn === Number(output.dataset.turn)) output.textContent = text;
    } catch { /* the next change tries again */ }
  };
  const questions = document.querySelectorAll(".question");
  for (const question of questions) {
    question.addEventListener("input", () => sayMoment(question));
    if (question.tagName !== "DIALOG") sayMoment(question);
  }
  // "in 2 h 10 min" becomes "in 2 h 9 min"
  setInterval(() => { for (const one of questions) if (one.open ?? true) sayMoment(one); }, 60000);

  const form = document.querySelector(".writing > form");
  form?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const asking = button?.closest("dialog.question");
    if (asking && "cancel" in button.dataset) return asking.close();
    const dialog = button?.name === "_then" && document.getElementById(`ask-${button.value}`);
    if (dialog) {
      event.preventDefault();
      asking?.close();
      button.closest("details")?.removeAttribute("open");
      dialog.showModal();
      sayMoment(dialog);
    } else if (asking && !button.formNoValidate) {
      const wrong = [...asking.querySelectorAll("input")].find((input) => !input.checkValidity());
      if (!wrong) return;
      event.preventDefault();
      wrong.reportValidity();
    }
  });
  for (const dialog of form?.querySelectorAll("dialog.question") ?? []) {
    dialog.addEventListener("keydown", (event) => { // otherwise Enter would save, or ask again
      if (event.key !== "Enter" || event.isComposing) return;
      if (event.repeat) event.preventDefault(); // still held down from the button that opened the dialog
      event.stopPropagation();
      if (event.target.tagName !== "INPUT" && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      dialog.querySelector(".default").click();
    });
    dialog.addEventListener("close", () => form.querySelector(".split > .btn").focus());
  }
}
