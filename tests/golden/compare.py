"""Print the differences between two recordings: compare.py A B [--renames FILE] [--markup].

Each change is printed once, with the number of responses that have it: first responses on one side only, then
status and headers, then the text that people read, then elements and attributes (with `--markup`; otherwise
only counted). FILE has a line `old new` for each renamed URL, as for record.py.
"""

import argparse
import sys
from collections import defaultdict
from difflib import SequenceMatcher
from html.parser import HTMLParser
from pathlib import Path

READ = {
    "title",
    "alt",
    "aria-label",
    "placeholder",
    "content",
    "value",
    "label",
    "data-words",
}  # attributes that people read
BESIDE = {
    "b",
    "strong",
    "em",
    "i",
    "a",
    "span",
    "small",
    "kbd",
    "bdi",
    "time",
    "mark",
    "code",
    "abbr",
    "q",
}  # in a line
Hunk = tuple[tuple[str, ...], tuple[str, ...]]


class Split(HTMLParser):
    """Split a page into its text, one line for each element, and its markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.markup = [""], list[str]()
        self.feed(page)
        self.text = [" ".join(line.split()) for line in self.text if line.strip()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in BESIDE:
            self.text.append("")
        read_aloud = [(name, value) for name, value in attrs if name in READ and value]
        rest = [f'{name}="{value or ""}"' for name, value in attrs if (name, value) not in read_aloud]
        self.markup.append(f"<{' '.join([tag, *rest])}>")
        if read_aloud:
            self.text += [f"[{name}] {value}" for name, value in read_aloud] + [""]

    def handle_endtag(self, tag: str) -> None:
        if tag not in BESIDE:
            self.text.append("")
        self.markup.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.text[-1] += data


def parts(saved: str) -> tuple[list[str], list[str], list[str]]:
    """Return status and headers, text, and markup."""
    head, _blank, body = saved.partition("\n\n")
    if "Content-Type: text/html" in head:
        page = Split(body)
        return head.splitlines(), page.text, page.markup
    return head.splitlines(), body.splitlines(), []


def hunks(old: list[str], new: list[str]) -> list[Hunk]:
    """Yield changes. Where as many lines were removed as added, each pair is a separate change."""
    found = list[Hunk]()
    is_long = len(old) > 1_000  # without autojunk, one page of the reply structure takes seconds
    codes = SequenceMatcher(None, old, new, autojunk=is_long).get_opcodes() if old != new else []
    for kind, a, b, c, d in codes:
        if kind == "replace" and b - a == d - c:
            found += [((one,), (other,)) for one, other in zip(old[a:b], new[c:d], strict=True)]
        elif kind != "equal":
            found.append((tuple(old[a:b]), tuple(new[c:d])))
    return found


def read(folder: Path, renames: list[tuple[str, str]]) -> dict[str, Path]:
    """Return the files of a recording by name, with the present URLs in it."""
    found = {}
    for path in sorted(folder.rglob("*.txt")):
        name = "/" + str(path.relative_to(folder).with_suffix("")).replace("~", "/") + "/"
        for old, new in renames:
            name = name.replace(old, new)
        found[name] = path
    return found


def show(title: str, found: dict[Hunk, list[str]]) -> None:
    print(f"\n== {title}: {len(found)} different changes")
    for (old, new), names in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"\n{len(names)} × (first: {names[0]})")
        for sign, lines in (("-", old), ("+", new)):
            for line in lines[:12]:
                print(f"  {sign} {line[:300]}")
            if len(lines) > 12:
                print(f"  {sign} … and {len(lines) - 12} lines more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--renames", type=Path)
    parser.add_argument("--markup", action="store_true")
    options = parser.parse_args()
    lines = options.renames.read_text().splitlines() if options.renames else []
    renames = [(old, new) for old, new in (line.split()[:2] for line in lines if line.strip())]
    before, after = read(options.a, renames), read(options.b, [])
    kinds: list[dict[Hunk, list[str]]] = [defaultdict(list), defaultdict(list), defaultdict(list)]
    same = differ = 0
    for name in before.keys() & after.keys():
        old, new = before[name].read_text(), after[name].read_text()
        for was, now in renames:
            old = old.replace(was, now)
        same, differ = same + (old == new), differ + (old != new)
        if old != new:
            for kind, one, other in zip(kinds, parts(old), parts(new), strict=True):
                for hunk in hunks(one, other):
                    kind[hunk].append(name)
    for kind in kinds:
        for names in kind.values():
            names.sort()
    print(f"{same} answers are equal, {differ} differ.")
    for title, names in (
        ("Only in A", before.keys() - after.keys()),
        ("Only in B", after.keys() - before.keys()),
    ):
        print(f"\n== {title}: {len(names)}")
        print("".join(f"  {name}\n" for name in sorted(names)), end="")
    show("Status and headers", kinds[0])
    show("Text", kinds[1])
    if options.markup:
        show("Markup", kinds[2])
    else:
        print(f"\n== Markup: {len(kinds[2])} different changes (--markup lists them)")
    sys.exit(bool(differ or before.keys() ^ after.keys()))


if __name__ == "__main__":
    main()
