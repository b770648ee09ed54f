/* Loaded after axe: checks the contrast of each look of a text once, because that takes two thirds of axe's time.

The contrast of a text depends on its own style and on what is painted behind it, so texts of the same style, in boxes
of the same colours, have the same contrast. A box that is placed freely may have anything behind it: a text in it
is always checked. Only looks that passed are remembered, also from one page to the next (axe.py). */
(() => {
  const check = axe._audit.checks["color-contrast"], evaluate = check.evaluate;
  const TEXT = ["color", "fontSize", "fontWeight", "textShadow", "webkitTextStroke"];
  const PAINTED = ["backgroundColor", "backgroundImage", "opacity", "mixBlendMode", "filter"];
  const NOTHING = "rgba(0, 0, 0, 0) none 1 normal none";
  const passed = new Set();
  let scheme, looks, added = [];

  // Return how the boxes around a text look, or null if one of them is placed freely.
  function look(box) {
    if (!box) return scheme; // the colour of an empty page
    if (looks.has(box)) return looks.get(box);
    const style = getComputedStyle(box), around = look(box.parentElement);
    const { position, inset, margin, transform, translate } = style;
    const isFree = !/^(static|relative)$/.test(position) || transform !== "none" || translate !== "none";
    const painted = PAINTED.map((name) => style[name]).join(" ");
    let own = painted === NOTHING ? "" : painted;
    if (inset !== "auto" || margin.includes("-")) own += ` ${box.localName}.${box.className} ${inset} ${margin}`;
    const whole = isFree || around === null ? null : own ? `${around}/${own}` : around;
    looks.set(box, whole);
    return whole;
  }

  check.evaluate = function (text, ...rest) {
    const around = look(text), style = getComputedStyle(text);
    const key = around === null ? null : `${around}|${TEXT.map((name) => style[name])}`;
    if (passed.has(key)) return true;
    const result = evaluate.call(this, text, ...rest);
    if (result === true && key !== null) {
      passed.add(key);
      added.push(key);
    }
    return result;
  };

  window.soundoffAxe = {
    // Return what axe finds, and the looks that passed for the first time.
    async run(where, options, before) {
      looks = new Map();
      scheme = `${getComputedStyle(document.documentElement).colorScheme} ${
        matchMedia("(prefers-color-scheme: dark)").matches}`;
      for (const key of before) passed.add(key);
      for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
      // Only what is violated is described and sent: the rest are megabytes for a long thread.
      const { violations } = await axe.run(where, { resultTypes: ["violations"], ...options });
      const faults = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
      return [faults, added.splice(0)];
    },
  };
})();
