"""Measures the moderation desk: python -m bench.moderation [part …]

Each part has a site of its own to fill, and tells its figures beside what was wanted. Real comments come from
the example data ($SOUNDOFF_DATA).
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bench import acts, machine, queues, rules, similar, soundoff
from bench.report import Goal, goals, publish
from bench.soundoff import Soundoff


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.moderation", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if len(parts) > 1:  # each in a process of its own: Django has one database for its life
        for name in parts:
            argv = [sys.executable, "-m", "bench.moderation", name, *(["--write"] if options.write else [])]
            subprocess.run(argv, check=True)
        return
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        site = stack.enter_context(soundoff.running(folder / "soundoff"))
        publish(f"moderation: {parts[0]}", _told(PARTS[parts[0]](site)), write=options.write)


def _told(found: Iterator[Goal]) -> Iterator[str]:
    yield f"Load average before: {machine.load()}."
    yield ""
    yield from goals(found)
    yield ""
    yield f"Load average after: {machine.load()}."


PARTS: dict[str, Callable[[Soundoff], Iterator[Goal]]] = {
    "queues": queues.queues,
    "rules": rules.rules,
    "acts": acts.acts,
    "groups": similar.groups,
    "flood": similar.cleaning,
}

if __name__ == "__main__":
    main()
