"""Measure the moderation pages: python -m bench.moderation [part …]

Each part fills a site of its own and prints its figures beside the goals. Real comments come from the example
data ($SOUNDOFF_DATA). The parts: queues, rules, acts, groups, flood, floods-in-time.
"""

import subprocess
import sys

from bench.moderation import acts, floods_in_time, queues, rules, similar
from bench.runner import run

PARTS = {  # the functions that measure, their sizes, and the least sizes that they can run with
    "queues": (queues.measure, queues.SIZES, queues.SMALLEST),
    "rules": (rules.measure, rules.SIZES, rules.SMALLEST),
    "acts": (acts.measure, acts.SIZES, acts.SMALLEST),
    "groups": (similar.measure_scan, similar.SIZES, similar.SMALLEST),
    "flood": (similar.measure_removal, similar.SIZES, similar.SMALLEST),
    "floods-in-time": (floods_in_time.measure, floods_in_time.SIZES, floods_in_time.SMALLEST),
}


def main() -> None:
    options = [argument for argument in sys.argv[1:] if argument not in PARTS]
    parts = [argument for argument in sys.argv[1:] if argument in PARTS] or list(PARTS)
    if len(parts) > 1:  # each in a process of its own, because Django keeps one database
        for name in parts:
            subprocess.run([sys.executable, "-m", "bench.moderation", name, *options], check=True)
        return
    measure, sizes, smallest = PARTS[parts[0]]
    run(
        f"moderation: {parts[0]}",
        measure,
        __doc__,
        sizes=sizes,
        smallest=smallest,
        arguments=options,
        served=measure is queues.measure,  # the others request no page
    )


if __name__ == "__main__":
    main()
