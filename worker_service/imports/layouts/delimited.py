"""CSV, one line one record: a quote that is not closed harms its own line, not the rest of the file. Pure."""

import csv
from collections.abc import Iterator
from functools import partial

from worker_service.imports.layouts.encoding import check, lines
from worker_service.imports.layouts.rows import RowRefused
from worker_service.imports.layouts.tables import Record

DELIMITERS = ";,\t|"  # in Brazil the comma is the decimal mark, so the semicolon wins a tie
_DECLARATION = "sep="


def delimiter_of(text: str) -> str:
    """The delimiter the first line declares (`sep=;`), or has most of."""
    first = next((line for _, line in lines(text) if line.strip()), "")
    if _is_declaration(first):
        return first.strip()[-1]
    return max(DELIMITERS, key=first.count)


def records(text: str, delimiter: str) -> Iterator[Record]:
    """Every line but the blank ones and a `sep=` at the top."""
    begun = False
    for number, line in lines(text):
        if line.strip() and (begun or not _is_declaration(line)):
            begun = True
            yield Record(number, line, partial(cells, line, delimiter))


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line. Raises RowRefused `bad_quoting`."""
    check(line)
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        (found,) = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        raise RowRefused("bad_quoting", "a quote in the row is not closed, or stands inside a cell") from None
    return [cell.strip() for cell in found]


def _is_declaration(line: str) -> bool:
    text = line.strip().lower()
    return text.startswith(_DECLARATION) and len(text) == len(_DECLARATION) + 1 and text[-1] in DELIMITERS
