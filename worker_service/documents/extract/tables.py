"""Tables as text that is understood without its table: each row names its columns."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from worker_service.documents.extract.blocks import Block, Kind

Row = Sequence[str]
# Each row repeats the names: 250 kB of CSV with one endless name would become gigabytes.
MAX_NAME = 120
_NUMBER = re.compile(r"(?=[^\d]{0,9}\d)(?:R\$|US\$|[$€\d.,/:%\s+-])+")
_QUESTION = re.compile(r"perguntas?|question|d[úu]vida", re.IGNORECASE)
_ANSWER = re.compile(r"respostas?|answer", re.IGNORECASE)


def table_blocks(rows: Iterable[Row], *, header: bool | None = None, page: int | None = None) -> list[Block]:
    """One block per row, `Coluna: valor; Coluna: valor`; a lone cell in a row is a paragraph.

    `header` says whether the first full row names the columns; None looks at the cells.
    """
    cleaned = [[" ".join(cell.split()) for cell in row] for row in rows]
    filled = [row for row in cleaned if any(row)]
    first = next((i for i, row in enumerate(filled) if sum(map(bool, row)) > 1), len(filled))
    blocks = [Block(Kind.PARAGRAPH, " ".join(filter(None, row)), page=page) for row in filled[:first]]
    body = filled[first:]
    named = header if header is not None else _looks_like_header(body)
    names: Row = [name[:MAX_NAME] for name in body[0]] if named and len(body) > 1 else ()
    blocks += [_row_block(names, row, page) for row in body[bool(names) :]]
    return blocks


def _looks_like_header(rows: Sequence[Row]) -> bool:
    """Names are distinct words; numbers, dates and prices are values."""
    if not rows[1:]:
        return False
    names = [cell for cell in rows[0] if cell]
    return len(set(names)) == len(names) and not any(_NUMBER.fullmatch(name) for name in names)


def _row_block(names: Row, row: Row, page: int | None) -> Block:
    question = _cell_named(_QUESTION, names, row)
    if question and (answer := _cell_named(_ANSWER, names, row)):
        return Block(Kind.QUESTION_ANSWER, f"{question}\n{answer}", page=page)
    if len(names) > 1 and len(row) == 1:
        return Block(Kind.PARAGRAPH, row[0], page=page)
    named = zip(chain(names, repeat("")), row, strict=False)
    cells = [f"{name}: {cell}" if name else cell for name, cell in named if cell]
    return Block(Kind.TABLE_ROW, "; ".join(cells), page=page)


def _cell_named(pattern: re.Pattern[str], names: Row, row: Row) -> str | None:
    found = (cell for name, cell in zip(names, row, strict=False) if pattern.fullmatch(name))
    return next(found, None)
