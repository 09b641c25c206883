"""Workbooks: each visible sheet as a table, values written the way a Brazilian reader sees them."""

import io
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook

from worker_service.documents.archive import open_archive
from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.extract.tables import table_blocks

MAX_ROWS = 200_000
MAX_COLUMNS = 256


def extract(data: bytes) -> Extracted:
    """A heading per sheet when there are several, then a block per row; formulas give their stored values."""
    open_archive(data).close()
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    blocks: list[Block] = []
    for sheet in sheets:
        sheet.reset_dimensions()
        rows = table_blocks(list(_rows(sheet)))
        if rows and len(sheets) > 1:
            blocks.append(Block(Kind.HEADING, sheet.title, 2))
        blocks += rows
    title = book.properties.title
    return Extracted(title.strip() if title else None, tuple(blocks))


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS):
        cells = [_shown(cell.value, cell.number_format if cell.value is not None else "") for cell in row]
        if any(cells):
            yield cells


def _shown(value: Any, number_format: str) -> str:
    match value:
        case None:
            shown = ""
        case bool():
            shown = "sim" if value else "não"
        case datetime() if value.time() != time():
            shown = f"{value:%d/%m/%Y %H:%M}"
        case date():
            shown = f"{value:%d/%m/%Y}"
        case time():
            shown = f"{value:%H:%M}"
        case int() | float():
            shown = _number(value, number_format)
        case _:
            shown = str(value)
    return shown


def _number(value: float, number_format: str) -> str:
    if "%" in number_format:
        return f"{_brazilian(round(value * 100, 4))}%"
    if "R$" in number_format:
        return f"R$ {value:,.2f}".translate(str.maketrans(",.", ".,"))
    return _brazilian(value)


def _brazilian(value: float) -> str:
    return f"{value:.15g}".replace(".", ",")
