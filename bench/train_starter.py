"""Train the starter, the part of the spam filter that knows other sites, and write its files.

    python -m pip install -r bench/requirements.txt    once; needs scikit-learn
    python -m bench.train_starter                      writes starter.bin and starter.json of the filter

bench/filter/training.py describes how it is trained.
"""

import argparse
import sys


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m bench.train_starter",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        from bench.filter import training  # after --help, which does without scikit-learn
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Run python -m pip install -r bench/requirements.txt.")
    training.write_starter()


if __name__ == "__main__":
    main()
