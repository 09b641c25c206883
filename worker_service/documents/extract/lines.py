"""Paragraphs, lists and headings from bare lines: what plain text and PDF pages have in common."""

import re
from collections.abc import Callable, Iterable, Sequence

from worker_service.documents.extract.blocks import Block, Kind

_BULLET = re.compile(r"(?:[-*•‣◦▪–·]|\(?[a-z]\)|\(?\d{1,2}\)|[ivx]{1,4}\s?[)–])\s+(?=\S)")
_PART = re.compile(r"(?:T[ÍI]TULO|CAP[ÍI]TULO|SE[ÇC][ÃA]O|ANEXO)\s+[IVXLC\d]+\b", re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+[^\W\d_]")
_TERMINAL = (".", ":", ";", "!", "?")
_HEADING_CHARACTERS = 80
_FEWEST_CAPITALS = 4
_WRAPPED = range(45, 201)  # widths at which people and programs wrap lines

Join = Callable[[str, str], str]


def heading_level(line: str) -> int | None:
    """The level of a line that is plainly a heading (`CAPÍTULO II`, `3.1 Prazos`, `PRAZOS`), else None."""
    if len(line) > _HEADING_CHARACTERS or line.endswith((".", ";", ",", ":")):
        return None
    if _PART.match(line):
        return 2
    if (numbered := _NUMBERED.match(line)) and not line.endswith("?"):
        return 2 + numbered[1].count(".")
    letters = sum(character.isalpha() for character in line)
    return 2 if line.isupper() and letters >= _FEWEST_CAPITALS and letters * 2 > len(line) else None


def line_width(lines: Sequence[str]) -> int:
    """The length that nine lines in ten do not exceed: the width of the column."""
    lengths = sorted(len(line) for line in lines if line)
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def to_blocks(
    lines: Iterable[str], *, width: int, page: int | None = None, join: Join | None = None
) -> list[Block]:
    """Blocks of stripped `lines` (empty ones part paragraphs), with lines wrapped at `width` joined again."""
    blocks: list[Block] = []
    current, kind = "", Kind.PARAGRAPH

    def flush() -> None:
        nonlocal current, kind
        if current:
            blocks.append(Block(kind, current, page=page))
        current, kind = "", Kind.PARAGRAPH

    last = ""
    for line in lines:
        if bullet := _BULLET.match(line):
            flush()
            current, kind = line[bullet.end() :], Kind.LIST_ITEM
        elif level := heading_level(line):
            flush()
            blocks.append(Block(Kind.HEADING, line, level, page))
        elif line and current and _continues(last, line, width):
            current = (join or _with_space)(current, line)
        else:
            flush()
            current = line
        last = line
    flush()
    return blocks


def _with_space(left: str, right: str) -> str:
    return f"{left} {right}"


def _continues(line: str, following: str, width: int) -> bool:
    if not line or width not in _WRAPPED:
        return False
    if following[0].islower():
        return True
    return len(line) >= width * (0.85 if line.endswith(_TERMINAL) else 0.6)
