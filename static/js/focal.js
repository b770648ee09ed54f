// Sets the focal point of an image by a click on the image or with the arrow keys. The two number fields also
// work without this script.
"use strict";
{
  const container = document.querySelector(".focal");
  const fields = ["x", "y"].map((axis) => document.getElementById(`id_focal_${axis}`));
  if (container && fields.every(Boolean)) {
    const picture = container.querySelector("img");
    const crop = document.querySelector(".focal-crop img");
    const point = document.createElement("button");
    point.type = "button";
    container.append(point);
    crop.parentElement.hidden = false;

    const read = () => fields.map((field) => Math.min(100, Math.max(0, Math.round(Number(field.value)) || 0)));
    // The same crop as in articles/images/sizes.py, in per cent of the part that is cut off.
    const share = (at, whole, part) => {
      if (whole <= part) return 50;
      return 100 * Math.min(1, Math.max(0, (at / 100 * whole - part / 2) / (whole - part)));
    };
    function show() {
      const [x, y] = read();
      point.style.left = `${x}%`;
      point.style.top = `${y}%`;
      point.setAttribute("aria-label", container.dataset.label.replace("{x}", x).replace("{y}", y));
      const width = picture.naturalWidth || 3, height = picture.naturalHeight || 2;
      const across = Math.min(width, height * 3 / 2), down = Math.min(height, width * 2 / 3);
      crop.style.objectPosition = `${share(x, width, across)}% ${share(y, height, down)}%`;
    }
    function set(x, y) {
      [x, y].forEach((value, n) => { fields[n].value = Math.round(Math.min(100, Math.max(0, value))); });
      show();
    }
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      set((event.clientX - box.left) / box.width * 100, (event.clientY - box.top) / box.height * 100);
      point.focus();
    });
    point.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      const [x, y] = read();
      set(x + move[0], y + move[1]);
    });
    fields.forEach((field) => field.addEventListener("input", show));
    picture.addEventListener("load", show);
    show();
  }
}
