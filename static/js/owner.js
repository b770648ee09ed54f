// Offers the browser's time zone if the field has another one. Without this script, the field is typed in.
"use strict";

for (const box of document.querySelectorAll("[data-zone]")) {
  const field = box.querySelector("input");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!own || own === field.value) continue;
  if ("propose" in field.dataset && field.value === field.defaultValue) {
    field.value = own;
    continue;
  }
  const line = document.createElement("span");
  line.className = "form-text own-zone";
  const use = document.createElement("button");
  use.type = "button";
  use.textContent = box.dataset.use;
  use.addEventListener("click", () => {
    field.value = own;
    line.remove();
    field.focus();
  });
  line.append(box.dataset.own.replace("{zone}", own), " ", use);
  box.append(line);
}
