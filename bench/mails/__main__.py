"""Measure mails to many people: python -m bench.mails [part …]

The parts are following and newsletter. A mail server on this machine receives the mails and counts them.
"""

from functools import partial

from bench.mails import following, newsletter, sink
from bench.runner import Part, run_parts

MODULES = {"following": following, "newsletter": newsletter}

if __name__ == "__main__":
    with sink.running() as server:
        parts = {
            name: Part(partial(module.measure, sink=server), module.SIZES, module.SMALLEST)
            for name, module in MODULES.items()
        }
        run_parts("mails", parts, __doc__, settings={"EMAIL_URL": server.url})
