"""`python -m benchmarks [NAME...] [--quick]`: measure, print, and keep the tables under `results/`."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.tables import keep, show

NAMES = ("queue", "retrieval", "answers", "http", "messages")
RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str]) -> int:
    """Run the named benchmarks, all by default. Each offers `run(quick=...)` and `table(rows)`."""
    quick = "--quick" in argv
    names = [name for name in argv if name != "--quick"] or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names:
        module = import_module(f"benchmarks.{name}")
        table = module.table(module.run(quick=quick))
        show(table)
        if not quick:
            keep(table, RESULTS / f"{name}.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
