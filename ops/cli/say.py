"""How the CLI speaks: results on standard output, complaints on standard error, plain text when piped."""

import sys

from rich.console import Console

PIPED_WIDTH = 200


def _width(is_terminal: bool) -> int | None:
    """On a pipe there is no width to fit: a table row stays on one line."""
    return None if is_terminal else PIPED_WIDTH


out = Console(highlight=False, soft_wrap=True, width=_width(sys.stdout.isatty()))
err = Console(highlight=False, soft_wrap=True, width=_width(sys.stderr.isatty()), stderr=True)


def complain(sentence: str) -> None:
    """One problem, on standard error."""
    err.print(sentence, style="red", markup=False)
