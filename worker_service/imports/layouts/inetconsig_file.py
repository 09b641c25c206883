"""A whole iNETConsig return: its totals are held against its rows, then the rows are handed out. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from worker_service.imports.layouts.encoding import lines
from worker_service.imports.layouts.inetconsig import Organ, Page, read_row
from worker_service.imports.layouts.inetconsig_pages import Part, organ_of, page_of, part_of, status_count
from worker_service.imports.layouts.rows import FileRefused, Outcome, Reading, attempt


@dataclass(slots=True)
class _Tally:
    """Rows since the last total of each kind, and the organs of the blocks so far."""

    rows: int = 0
    in_block: int = 0
    in_status: int = 0
    statuses: int = 0
    organs: list[Organ] = field(default_factory=list)
    entities: set[str] = field(default_factory=set)

    def row(self) -> None:
        self.rows += 1
        self.in_block += 1
        self.in_status += 1

    def block(self, line: int, organ: Organ, count: int) -> None:
        if count != self.in_block:
            raise _differs(line, "Órgão Pagamento", count, self.in_block)
        self.organs.append(organ)
        self.in_block = 0

    def status(self, line: int, count: int) -> None:
        if count != self.in_status:
            raise _differs(line, "Total do Status", count, self.in_status)
        self.statuses += 1
        self.in_status = 0


def open_file(text: str) -> Reading:
    """The file, if each of its totals equals the rows above it. Raises FileRefused."""
    tally = _Tally()
    for line, content in lines(text):
        _count(tally, line, content)
    _check(tally)
    totals = {"rows": tally.rows, "blocks": len(tally.organs), "statuses": tally.statuses}
    organs = tuple(tally.organs)
    return Reading(tally.entities.pop(), totals, lambda: _rows(text, organs))


def _count(tally: _Tally, line: int, content: str) -> None:
    part, found = part_of(content)
    if part is Part.ROW:
        tally.row()
    elif found is not None and part is Part.HEADER:
        tally.entities.add(page_of(found).entity)
    elif found is not None and part is Part.ORGAN:
        tally.block(line, *organ_of(found))
    elif found is not None and part is Part.STATUS_TOTAL:
        tally.status(line, status_count(found))


def _check(tally: _Tally) -> None:
    if not tally.entities:
        raise FileRefused("page_header_missing", "No page header (`Entidade: ...`) was found in the file.")
    if len(tally.entities) > 1:
        raise FileRefused("entities_differ", "The file holds pages of several entities.")
    if tally.in_block or (tally.statuses and tally.in_status):
        raise FileRefused("control_total_missing", "The last rows have no total after them: the file is cut.")
    if not tally.rows:
        raise FileRefused("file_empty", "The file holds no rows.")


def _rows(text: str, organs: Sequence[Organ]) -> Iterator[Outcome]:
    page: Page | None = None
    blocks = iter(organs)
    organ = next(blocks)
    for line, content in lines(text):
        part, found = part_of(content)
        if part is Part.ROW:
            yield _outcome(line, content, page, organ)
        elif found is not None and part is Part.HEADER:
            page = page_of(found)
        elif part is Part.ORGAN:
            organ = next(blocks, organ)


def _outcome(line: int, content: str, page: Page | None, organ: Organ) -> Outcome:
    return attempt(line, content, partial(read_row, line, content, page, organ))


def _differs(line: int, name: str, told: int, found: int) -> FileRefused:
    return FileRefused(
        "control_total_differs", f"`{name}` in line {line} counts {told} rows; {found} stand above it."
    )
