"""Tables for the terminal and for files."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

WIDTH = 150


def show(table: Table) -> None:
    """Print the table, wide enough to keep its cells whole."""
    Console(width=WIDTH).print(table)


def keep(table: Table, path: Path) -> None:
    """Write the table to `path` in Markdown."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(markdown(table), "utf-8")


def markdown(table: Table) -> str:
    """The table in Markdown, its title as a heading."""
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    marks = ["---:" if column.justify == "right" else "---" for column in table.columns]
    lines = [_line([str(column.header) for column in table.columns]), _line(marks)]
    lines += [_line(row) for row in zip(*cells, strict=True)]
    heading = f"# {table.title}\n\n" if table.title else ""
    return heading + "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
