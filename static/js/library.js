// The picture chooser of the editor page: a dialog with the images of the library. It is opened in the drawer, in place
// of the number of the lead image, and from the toolbar of the text (editor.js).
"use strict";
{
  const make = globalThis.makeElement;

  // Calls `done` with the chosen image, { number, markdown, url, description }, or `cancelled`.
  globalThis.chooseImage = (done, cancelled = () => {}) => {
    const { library } = document.querySelector("[data-library]").dataset;
    const search = make("input", { type: "search", id: "library-search" });
    const label = make("label", { htmlFor: search.id, textContent: gettext("Search by description or file name") });
    const status = make("p", { className: "library-status", role: "status" });
    const results = make("div", { className: "library" });
    const cancel = make("button", { type: "button", className: "button", textContent: gettext("Cancel") });
    const heading = make("h2", { id: "library-title", textContent: gettext("Choose from library") });
    const searchForm = make("form", { role: "search" }, label, search);
    const box = make("dialog", { className: "editor-dialog library-dialog" },
      heading, searchForm, status, results, make("p", { className: "action-bar" }, cancel));
    box.setAttribute("aria-labelledby", heading.id);

    let lastRequest = 0, timer, isChosen = false;
    const load = async (page = 1) => {
      clearTimeout(timer);
      const requestNumber = ++lastRequest;
      try {
        const answer = await fetch(`${library}?${new URLSearchParams({ q: search.value, page })}`);
        if (!answer.ok || answer.redirected) throw new Error(answer.status); // to the log-in page
        const html = await answer.text();
        if (requestNumber !== lastRequest) return false; // a later request was sent meanwhile
        results.innerHTML = html;
        const summary = results.querySelector("[data-status]");
        status.textContent = summary.textContent.replace(/\s+/g, " ").trim(); // outside, so that its change is announced
        summary.remove();
        return true;
      } catch {
        if (requestNumber === lastRequest) status.textContent = gettext("The library can’t be loaded. Check that you are online and logged in.");
        return false;
      }
    };
    search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(load, 300); });
    searchForm.addEventListener("submit", (event) => { event.preventDefault(); load(); });
    results.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.page) {
        if (await load(button.dataset.page)) results.querySelector("button").focus();
        return;
      }
      isChosen = true;
      box.close();
      done({
        number: button.value,
        markdown: button.dataset.markdown,
        url: button.querySelector("img").src,
        description: button.querySelector(".description").textContent,
      });
    });
    cancel.addEventListener("click", () => box.close());
    openDialog(box, () => { if (!isChosen) cancelled(); });
    search.focus();
    load();
  };

  // The lead image: the picture and two buttons in place of the number.
  const input = document.getElementById("id_lead_image");
  if (input) {
    const row = input.closest(".form-row"), picture = row.querySelector(".chosen");
    const { lead_file: upload, lead_alt: alt, lead_is_decorative: isDecorative, lead_caption: caption, lead_credit: credit } = input.form.elements;
    const choose = make("button", { type: "button", className: "button", textContent: gettext("Choose from library") });
    const remove = make("button", { type: "button", className: "button", textContent: gettext("Remove"), hidden: !input.value });
    remove.ariaLabel = gettext("Remove the lead image");
    const show = (number, description, ...nodes) => {
      input.value = number;
      input.dataset.text = description;
      picture.replaceChildren(...nodes);
      remove.hidden = !number;
      input.dispatchEvent(new Event("input", { bubbles: true })); // for the autosave, the preview and the closed row
    };
    choose.addEventListener("click", () => chooseImage(({ number, url, description }) => {
      for (const field of [upload, alt, caption, credit]) field.value = ""; // the upload would take its place
      isDecorative.checked = false;
      upload.dispatchEvent(new Event("input", { bubbles: true })); // no file is lost any more
      show(number, description, make("img", { className: "lead-image", src: url, alt: description }));
      choose.focus();
    }));
    remove.addEventListener("click", () => {
      show("", "", gettext("None yet."));
      choose.focus();
    });
    for (const part of row.querySelectorAll("label, .number, .help")) part.hidden = true;
    row.append(make("p", { className: "action-bar" }, choose, remove));
  }
}
