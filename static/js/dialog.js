// Functions that the scripts of the editor page share: an element with its values, and a dialog made by a script.
"use strict";
globalThis.makeElement = (tag, values = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), values);
  node.append(...children);
  return node;
};
// Shows a dialog until it is closed, then calls `closed`. The focus returns to `opener`, or else to where it was.
globalThis.openDialog = (dialog, closed, opener) => {
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
};
