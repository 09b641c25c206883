"""The first visible sheet of a workbook, row by row; formulas give their stored values. Pure."""

import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from core.errors import JobError
from worker_service.documents.archive import open_archive
from worker_service.imports.layouts.rows import FileRefused
from worker_service.imports.layouts.tables import Record

MAX_COLUMNS = 256
MAX_STRINGS = 48_000_000
"""All of a workbook's texts are in memory while it is read, at some four times their size."""

CENTS = 2
_STRINGS = "xl/sharedStrings.xml"


def records(data: bytes, mark: str) -> Iterator[Record]:
    """Rows that are not blank; `mark` is the decimal mark numbers are written with. Raises FileRefused."""
    _guard(data)
    try:
        yield from _records(data, mark)
    except FileRefused:
        raise
    except Exception as error:  # what openpyxl raises on a damaged part is anything
        raise FileRefused("file_broken", "The workbook is damaged: a part of it cannot be read.") from error


def _records(data: bytes, mark: str) -> Iterator[Record]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        shown = [_shown(value, mark) for value in islice(row, MAX_COLUMNS)]
        if any(shown):
            yield Record(number, ";".join(shown), partial(list, shown))


def _guard(data: bytes) -> None:
    try:
        with open_archive(data) as archive:
            strings = sum(part.file_size for part in archive.infolist() if part.filename == _STRINGS)
    except JobError as error:
        raise FileRefused(error.code, error.detail) from error
    if strings > MAX_STRINGS:
        raise FileRefused("file_too_large", "The workbook holds too much text; hand it in as CSV.")


def _shown(value: Any, mark: str) -> str:
    match value:
        case None:
            shown = ""
        case datetime() | date():
            shown = f"{value:%Y-%m-%d}"
        case float():
            shown = _number(value, mark)
        case _:
            shown = str(value).strip()
    return shown


def _number(value: float, mark: str) -> str:
    """All digits the file has: what is more than cents is for the reader to refuse, not to round."""
    whole, _, cents = f"{Decimal(repr(value)):f}".partition(".")
    if not cents.strip("0"):
        return whole
    return f"{whole}{mark}{cents.ljust(CENTS, '0')}"
