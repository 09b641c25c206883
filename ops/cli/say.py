"""How the CLI speaks: results on standard output, complaints on standard error, plain text when piped."""

import sys
from typing import TextIO

from rich.console import Console

PIPED_WIDTH = 200


def _console(stream: TextIO) -> Console:
    """On a pipe there is no width to fit: a table row stays on one line."""
    return Console(
        file=stream, highlight=False, soft_wrap=True, width=None if stream.isatty() else PIPED_WIDTH
    )


out = _console(sys.stdout)
err = _console(sys.stderr)


def complain(sentence: str) -> None:
    """One problem, on standard error."""
    err.print(sentence, style="red", markup=False)
