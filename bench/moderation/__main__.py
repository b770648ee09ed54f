"""Measure the moderation pages: python -m bench.moderation [part …]

Each part fills its own site and prints its figures beside the goals. Real comments come from the example
data ($SOUNDOFF_DATA). The parts: queues, rules, actions, groups, flood, floods-in-time.
"""

from bench.moderation import actions, floods_in_time, queues, rules, similar
from bench.runner import Part, run_parts

PARTS = {
    "queues": Part(queues.measure, queues.SIZES, queues.SMALLEST, served=True),
    "rules": Part(rules.measure, rules.SIZES, rules.SMALLEST),
    "actions": Part(actions.measure, actions.SIZES, actions.SMALLEST),
    "groups": Part(similar.measure_scan, similar.SIZES, similar.SMALLEST),
    "flood": Part(similar.measure_removal, similar.SIZES, similar.SMALLEST, served=True),
    "floods-in-time": Part(floods_in_time.measure, floods_in_time.SIZES, floods_in_time.SMALLEST),
}

if __name__ == "__main__":
    run_parts("moderation", PARTS, __doc__)
