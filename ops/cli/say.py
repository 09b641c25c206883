"""How the CLI speaks: results on standard output, complaints on standard error, plain text when piped."""

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def complain(sentence: str) -> None:
    """One problem, on standard error."""
    err.print(sentence, style="red", markup=False)
