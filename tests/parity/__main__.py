"""Compares every task and prints docs/popgym-parity.md, or with --write writes it; a minute on one core.

PYTHONPATH=tests python -m parity [--write]
"""

import argparse
import os

# Where the committed page comes from: the comparison is of float32 on a CPU.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from parity import FAMILIES, TASKS
from parity.comparison import compare
from parity.document import PAGE, document, row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write docs/{PAGE.name} instead of printing it")
    write = parser.parse_args().write
    page = document(row(compare(FAMILIES[family], difficulty)) for family, difficulty in TASKS)
    if write:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE}")
    else:
        print(page, end="")


if __name__ == "__main__":
    main()
