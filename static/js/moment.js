// Says when a typed date and time is ("14:00, in 2 h 10 min, Cairo time"), before the button is pressed. The site knows
// its zone and language; without this script it says so after the button.
"use strict";
{
  const output = document.querySelector(".moment"), form = output?.closest("form");
  let asked = 0;
  const say = async () => {
    const turn = ++asked, { at_0: date, at_1: time } = form.elements;
    const query = new URLSearchParams({ at_0: date.value, at_1: time.value });
    try {
      const answer = await fetch(`${output.dataset.url}?${query}`);
      const { text } = answer.ok ? await answer.json() : { text: "" };
      if (turn === asked) output.textContent = text;
    } catch { /* the next change tries again */ }
  };
  if (form) {
    form.addEventListener("input", say);
    say();
    setInterval(say, 60000); // "in 2 h 10 min" becomes "in 2 h 9 min"
  }
}
