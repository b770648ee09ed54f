// Shows the [data-key] elements of one value: `works` (the buttons), `fails` (a notice), or `localhost` (a notice with a
// link to that host). A key belongs to a host name, so browsers refuse keys at an IP address. If a key does not answer,
// the page shows a message, as allauth's script only writes to the console.
// The script tag stands below the [data-key] elements, so that nothing that is already drawn moves.
"use strict";

document.addEventListener("allauth.error", () => {
  document.getElementById("key-failed").hidden = false;
});

{
  const isIpAddress = /^([\d.]+|\[.*\])$/.test(location.hostname);
  const isLoopback = isIpAddress && /^(127\.|\[::1\])/.test(location.hostname);
  const state = isLoopback ? "localhost" : window.PublicKeyCredential && !isIpAddress ? "works" : "fails";
  for (const element of document.querySelectorAll("[data-key]")) element.hidden = element.dataset.key !== state;
  const page = new URL(location.href);
  page.hostname = "localhost";
  document.getElementById("key-localhost").href = page;
}
