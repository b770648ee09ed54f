"""Measure the moderation pages: python -m bench.moderation [part …]

Each part fills a site of its own and prints its figures beside the goals. Real comments come from the example
data ($SOUNDOFF_DATA).
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bench import acts, machine, queues, rules, similar, soundoff
from bench.report import Goal, goals_with_load, publish
from bench.soundoff import Soundoff


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.moderation", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help=", ".join(PARTS))
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if len(parts) > 1:  # each in a process of its own, because Django keeps one database
        flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
        for name in parts:
            subprocess.run([sys.executable, "-m", "bench.moderation", name, *flags], check=True)
        return
    if options.smallest:
        shrink()
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        site = stack.enter_context(soundoff.running(folder / "soundoff"))
        publish(f"moderation: {parts[0]}", goals_with_load(PARTS[parts[0]](site)), write=options.write)


def shrink() -> None:
    """Reduce the sizes of each part to the least that it can run with."""
    queues.OPEN, queues.STORIES, queues.GUESTS, queues.ASKED = 200, 4, 20, 1
    rules.DECIDED, rules.AT_ONCE = 100, 50
    acts.STORIES, acts.IN_A_STORY, acts.CHOSEN = 4, 25, 40
    acts.TICKED, acts.THREAD, acts.ROUNDS = 20, 100, 2
    similar.WHOLE, similar.SPUN, similar.REAL, similar.IN_A_STORY = 700, 300, 200, 100


PARTS: dict[str, Callable[[Soundoff], Iterator[Goal]]] = {
    "queues": queues.queues,
    "rules": rules.rules,
    "acts": acts.acts,
    "groups": similar.groups,
    "flood": similar.cleaning,
}

if __name__ == "__main__":
    main()
