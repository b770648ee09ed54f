// Shows what needs a key only where keys work, and says on the page that a key gave no answer, which allauth's
// script writes to the console. Keys belong to a name of a host: at an IP address, browsers refuse them.
// It runs where it stands, below these parts, before the browser has more of the page that they could move.
"use strict";

document.addEventListener("allauth.error", () => {
  document.getElementById("key-failed").hidden = false;
});

{
  const isAddress = /^([\d.]+|\[.*\])$/.test(location.hostname);
  const isLoopback = isAddress && /^(127\.|\[::1\])/.test(location.hostname);
  const state = isLoopback ? "localhost" : window.PublicKeyCredential && !isAddress ? "works" : "fails";
  for (const part of document.querySelectorAll("[data-key]")) part.hidden = part.dataset.key !== state;
  const page = new URL(location.href);
  page.hostname = "localhost";
  document.getElementById("key-localhost").href = page;
}
