// Shows what needs a key only where keys work, and says on the page that a key gave no answer, which allauth's
// script writes to the console.
"use strict";

document.addEventListener("allauth.error", () => {
  document.getElementById("key-failed").hidden = false;
});

document.addEventListener("DOMContentLoaded", () => {
  const works = Boolean(window.PublicKeyCredential);
  for (const part of document.querySelectorAll("[data-key]")) part.hidden = works !== (part.dataset.key === "works");
});
