// The editor page around the text: closed rows of the drawer follow what is chosen, and the title is one line.
"use strict";
{
  const form = document.querySelector(".writing > form");

  const labelOf = ({ labels }) => labels?.[0]?.textContent.trim() ?? "";
  const valueText = (field) => {
    if (field.type === "file") return [...field.files].map(({ name }) => name).join(", ");
    if (field.type === "checkbox" || field.type === "radio") return field.checked ? labelOf(field) : "";
    if (field.tagName === "SELECT") return field.value && field.selectedOptions[0].textContent.trim();
    return field.tagName === "INPUT" ? (field.dataset.text ?? field.value.trim()) : "";
  };
  const updateSetting = ({ target }) => {
    const row = target.closest("[data-row]");
    if (!row || target.tagName === "TEXTAREA") return;
    const fields = [...row.querySelectorAll("input, select")].filter(({ name, type }) => name && type !== "hidden");
    const valuesText = fields.map(valueText).filter(Boolean).join(", ");
    const setting = row.querySelector(".setting");
    setting.textContent = valuesText || (setting.dataset.empty ?? "");
  };
  form?.addEventListener("input", updateSetting);

  // Enter in the title or the standfirst goes on to the next field of the text.
  const textFields = ["id_title", "id_standfirst", "id_body"].map((id) => document.getElementById(id)).filter(Boolean);
  for (const [index, field] of textFields.slice(0, -1).entries()) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.shiftKey && field.id !== "id_title") return;
      event.preventDefault();
      textFields[index + 1].focus();
    });
  }

  if (!CSS.supports("field-sizing", "content")) {
    const fit = (field) => {
      field.style.blockSize = "auto";
      field.style.blockSize = `${field.scrollHeight}px`;
    };
    for (const field of textFields) {
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
