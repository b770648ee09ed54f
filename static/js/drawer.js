// The editor page around the text: closed rows of the drawer follow what is chosen, and the title is one line.
"use strict";
{
  const form = document.querySelector(".writing > form");

  const labelOf = ({ labels }) => labels?.[0]?.textContent.trim() ?? "";
  const chosen = (one) => {
    if (one.type === "file") return [...one.files].map(({ name }) => name).join(", ");
    if (one.type === "checkbox" || one.type === "radio") return one.checked ? labelOf(one) : "";
    if (one.tagName === "SELECT") return one.value && one.selectedOptions[0].textContent.trim();
    return one.tagName === "INPUT" ? (one.dataset.text ?? one.value.trim()) : "";
  };
  const follow = ({ target }) => {
    const row = target.closest("[data-row]");
    if (!row || target.tagName === "TEXTAREA") return;
    const fields = [...row.querySelectorAll("input, select")].filter(({ name, type }) => name && type !== "hidden");
    const text = fields.map(chosen).filter(Boolean).join(", ");
    const setting = row.querySelector(".setting");
    setting.textContent = text || (setting.dataset.empty ?? "");
  };
  form?.addEventListener("input", follow);

  // Enter in the title or the standfirst goes on to the next field of the text.
  const text = ["id_title", "id_standfirst", "id_body"].map((id) => document.getElementById(id)).filter(Boolean);
  for (const [at, field] of text.slice(0, -1).entries()) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.shiftKey && field.id !== "id_title") return;
      event.preventDefault();
      text[at + 1].focus();
    });
  }

  if (!CSS.supports("field-sizing", "content")) {
    const fit = (field) => {
      field.style.blockSize = "auto";
      field.style.blockSize = `${field.scrollHeight}px`;
    };
    for (const field of text) {
      field.addEventListener("input", () => fit(field));
      fit(field);
    }
  }

  // The link to the settings opens the first row, so that it is clear what they are.
  document.querySelector(".to-settings")?.addEventListener("click", () => {
    const rows = document.querySelectorAll(".drawer > .row");
    if (![...rows].some(({ open }) => open) && rows.length) rows[0].open = true;
  });
}
