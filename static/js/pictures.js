// Reads pasted images from the clipboard: data: URLs in the markup, files beside it, or images in RTF, as Word sends
// them. In the markup each is replaced by `src="pasted:3"`. Images with only a URL stay as they are.
"use strict";
{
  // The markup is not parsed as a document, because that would apply its styles, which the content policy forbids.
  const IMAGE = /<img\b(?:[^>"']|"[^"]*"|'[^']*')*>/gi;
  const PICTURE = /\ssrc\s*=\s*["']?data:(image\/(?:png|jpeg|gif|webp|avif));base64,([\w+/=\s%]+)/i;

  // Returns { markup, pictures: [{ number, file }] }, numbered from `first` on.
  globalThis.takePictures = (clipboard, markup, first) => {
    const bare = markup.replace(/<!--[^]*?-->/g, "");
    const found = [...bare.matchAll(IMAGE)].map(([tag]) => imageOfTag(tag));
    const others = found.flatMap((one, n) => (one ? [] : [n]));
    // Files beside the markup are used only if their number is the same; otherwise they can't be assigned.
    const lists = others.length ? [imageFiles(clipboard), imagesInRtf(clipboard)] : [];
    const files = lists.find((list) => list.length === others.length);
    others.forEach((n, index) => { found[n] = files?.[index] ?? null; });
    const all = found.filter(Boolean).length, pictures = [];
    const markupWithNumbers = bare.replace(IMAGE, (tag) => {
      const blob = found.shift();
      if (!blob) return tag;
      const number = first + pictures.length;
      const name = interpolate(gettext("pasted %(n)s of %(all)s"), { n: pictures.length + 1, all }, true);
      pictures.push({ number, file: new File([blob], `${name}.${blob.type.slice(6)}`, { type: blob.type }) });
      return `<img src="pasted:${number}">`;
    });
    return { markup: markupWithNumbers, pictures };
  };

  const imageOfTag = (tag) => {
    const [, type, data] = PICTURE.exec(tag) ?? [];
    try {
      return data ? new Blob([bytes(atob(decodeURIComponent(data)))], { type: type.toLowerCase() }) : null;
    } catch {
      return null; // truncated data
    }
  };
  const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  globalThis.imageFiles = (transfer) => [...transfer.files].filter((file) => file.type.startsWith("image/")); // of the clipboard or a drop

  // {\pict … \pngblip … {\*\blipuid …} 89504e47…}: only the text of the group itself, without nested groups.
  const imagesInRtf = (clipboard) => {
    const rtf = clipboard.getData("text/rtf"), found = [];
    for (const { index } of rtf.matchAll(/\\pict(?![a-z])/g)) {
      const pieces = /[{}]|[^{}]+/g;
      pieces.lastIndex = index;
      let own = "", depth = 0;
      for (let piece; depth >= 0 && (piece = pieces.exec(rtf)?.[0]);) {
        if (piece === "{") depth += 1;
        else if (piece === "}") depth -= 1;
        else if (!depth) own += piece;
      }
      const kind = /\\(png|jpeg)blip/.exec(own)?.[1];
      const digits = own.replace(/\\[a-z]+-?\d* ?/g, "").replace(/\s+/g, "");
      if (!kind || !/^(?:[\da-f]{2})+$/i.test(digits)) continue; // a metafile for old programs
      found.push(new Blob([Uint8Array.from(digits.match(/../g), (two) => parseInt(two, 16))], { type: `image/${kind}` }));
    }
    return found;
  };
}
