"""Tables with a line of headings: which column means what, and from cells to a row. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from core.imports import Column
from worker_service.imports.layouts import fields
from worker_service.imports.layouts.rows import (
    Enrollment,
    Entry,
    FileRefused,
    Outcome,
    Reading,
    Row,
    RowRefused,
    attempt,
)

MAX_CELL = 200
CPF_PADDED = "cpf_padded"
_WORDS = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")


class Record(NamedTuple):
    """A line of a table; its cells are read when they are asked for, which may raise RowRefused."""

    line: int
    raw: str
    cells: Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """How the records of one file are read. `entity` is whose posts they are where no column says it.

    `is_spreadsheet`: CPFs were numbers once, and may have lost zeros.
    """

    places: Mapping[Column, int]
    width: int
    mark: str
    entity: str | None
    is_spreadsheet: bool

    def row(self, record: Record) -> Row:
        """The row. Raises RowRefused."""
        cells = self._cells(record)
        cpf, is_padded = self._cpf(cells.get(Column.CPF, ""))
        enrollment = self._enrollment(cells)
        return Row(
            line=record.line,
            raw=record.raw,
            cpf=cpf,
            name=cells.get(Column.NAME),
            enrollment=enrollment,
            entry=self._entry(cells, enrollment),
            notes=(CPF_PADDED,) if is_padded else (),
        )

    def _cells(self, record: Record) -> dict[Column, str]:
        """What is not blank, by its meaning."""
        found = list(record.cells())
        if len(found) < self.width or any(found[self.width :]):
            raise RowRefused("cell_count", "the row has not as many cells as there are headings")
        named = {column: found[place] for column, place in self.places.items() if found[place]}
        if any(len(cell) > MAX_CELL for cell in named.values()):
            raise RowRefused("cell_long", f"a cell has more than {MAX_CELL} characters")
        if any(_CONTROL.search(cell) for cell in named.values()):
            raise RowRefused("control_character", "the row holds a control character")
        return named

    def _cpf(self, text: str) -> tuple[str, bool]:
        if not text:
            raise RowRefused("cpf_missing", "the row has no CPF")
        return fields.spreadsheet_cpf(text) if self.is_spreadsheet else (fields.cpf(text), False)

    def _enrollment(self, cells: Mapping[Column, str]) -> Enrollment | None:
        number, entity = cells.get(Column.ENROLLMENT), cells.get(Column.ENTITY, self.entity)
        if number is None:
            return None
        if entity is None:
            raise RowRefused("entity_missing", "the row has a matrícula, and nothing says with which entity")
        return Enrollment(entity, number, cells.get(Column.POSITION), cells.get(Column.PAYING_ORGAN))

    def _entry(self, cells: Mapping[Column, str], enrollment: Enrollment | None) -> Entry | None:
        if Column.AMOUNT not in self.places:
            return None
        if enrollment is None:
            raise RowRefused("enrollment_missing", "a payroll line needs a matrícula")
        if (rubric := cells.get(Column.RUBRIC)) is None:
            raise RowRefused("bad_rubric", "the rubric is missing")
        month, amount = cells.get(Column.MONTH, ""), cells.get(Column.AMOUNT, "")
        paid, total = self._instalments(cells)
        return Entry(
            month=fields.month(month),
            rubric=rubric,
            amount=fields.money(amount, mark=self.mark),
            status=cells.get(Column.STATUS),
            paid=paid,
            total=total,
        )

    def _instalments(self, cells: Mapping[Column, str]) -> tuple[int | None, int | None]:
        told = (Column.PAID in self.places, Column.TOTAL in self.places)
        paid = fields.count(cells.get(Column.PAID, ""), "bad_paid") if told[0] else None
        total = fields.count(cells.get(Column.TOTAL, ""), "bad_total") if told[1] else None
        return (paid, total) if paid is None or total is None else fields.instalments(paid, total)


def plain(heading: str) -> str:
    """A heading without capitals, accents and punctuation: `Nº da Matrícula` is `n_da_matricula`."""
    bare = unicodedata.normalize("NFKD", heading.casefold()).encode("ascii", "ignore").decode()
    return _WORDS.sub("_", bare).strip("_")


def read_table(
    records: Callable[[], Iterator[Record]],
    make: Callable[[Sequence[str]], Table],
    *,
    entity: str | None,
    rows: int | None = None,
) -> Reading:
    """The file, once it was walked to its end. `make` reads the headings. Raises FileRefused."""
    table = make(_headings(records()))
    found = sum(1 for _ in records()) - 1
    if not found:
        raise FileRefused("file_empty", "The file holds no rows.")
    if rows not in {None, found}:
        raise FileRefused("control_total_differs", f"{rows} rows were announced, the file has {found}.")
    return Reading(entity, {"rows": found}, lambda: _outcomes(records(), table))


def _headings(records: Iterator[Record]) -> Sequence[str]:
    first = next(records, None)
    if first is None:
        raise FileRefused("file_empty", "The file holds nothing.")
    try:
        return first.cells()
    except RowRefused as refusal:
        raise FileRefused("headings_unreadable", f"The line of headings: {refusal.message}.") from None


def _outcomes(records: Iterator[Record], table: Table) -> Iterator[Outcome]:
    next(records)
    for record in records:
        yield attempt(record.line, record.raw, partial(table.row, record))
