// Offers the browser's time zone if the field has another one. Without this script, the field is typed in.
"use strict";

for (const box of document.querySelectorAll("[data-zone]")) {
  const field = box.querySelector("input");
  const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!browserZone || browserZone === field.value) continue;
  if ("propose" in field.dataset && field.value === field.defaultValue) {
    field.value = browserZone;
    continue;
  }
  const line = document.createElement("span");
  line.className = "form-text own-zone";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = box.dataset.use;
  button.addEventListener("click", () => {
    field.value = browserZone;
    line.remove();
    field.focus();
  });
  line.append(box.dataset.own.replace("{zone}", browserZone), " ", button);
  box.append(line);
}
