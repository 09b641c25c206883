"""Lines of many processes on one terminal: each with the name of who said it."""

import os
import sys
from dataclasses import dataclass, field
from typing import TextIO

COLOURS = ("36", "32", "35", "33", "34", "31")
DIM = "2"


@dataclass
class Console:
    """Writes prefixed lines; coloured only on a terminal, and never when NO_COLOR is set."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    names: list[str] = field(default_factory=list)

    def line(self, name: str, text: str) -> None:
        """One line said by `name`."""
        if name not in self.names:
            self.names.append(name)
        colour = COLOURS[self.names.index(name) % len(COLOURS)]
        self._write(f"{self._paint(name.ljust(9) + ' │', colour)} {text}")

    def note(self, text: str) -> None:
        """One line said by the supervisor itself."""
        self._write(f"{self._paint('cogep'.ljust(9) + ' │', DIM)} {text}")

    def plain(self, text: str) -> None:
        """Text as it is."""
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except (BrokenPipeError, OSError):  # the reader has gone; the product has not
            self.out = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- lives as long as the process

    def _paint(self, text: str, colour: str) -> str:
        if not self.out.isatty() or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{colour}m{text}\x1b[0m"
