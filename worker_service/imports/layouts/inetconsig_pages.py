"""What stands between the rows of an iNETConsig return, and whether the rows agree with its totals. Pure.

A line that is none of these is a row, if only one to refuse: so no line is lost, and a damaged total refuses
the file.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from core.matching import Unmatchable
from worker_service.imports.layouts import fields
from worker_service.imports.layouts.inetconsig import Organ, Page
from worker_service.imports.layouts.rows import FileRefused, RowRefused

_HEADER = re.compile(
    r"\s*Entidade:\s*(?P<code>[0-9A-Za-z]{1,20})\s*-\s*(?P<name>\S.*?)\s+Refer[êe]ncia:\s*(?P<month>[0-9/]{7})"
    r"\s+Data da Gera[çc][ãa]o:\s*[0-9]{2}/[0-9]{2}/[0-9]{4}\s*",
    re.IGNORECASE,
)
_ORGAN = re.compile(
    r"\s*[ÓO]rg[ãa]o Pagamento:\s*(?P<code>[0-9]{3})\s*-\s*(?P<name>\S.*?)\s+-\s+(?P<count>[0-9.]{1,11})"
    r"\s+Lan[çc]amento\(s\)\s*",
    re.IGNORECASE,
)
_STATUS_TOTAL = re.compile(r"\s*Total do Status:\s*(?P<rest>.*?)\s*", re.IGNORECASE)
_POSTINGS = re.compile(r"\b([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)\s+Lan[çc]amento\(s\)", re.IGNORECASE)
_ONE_NUMBER = re.compile(r"\D*?(?:[1-6S]\s*-\s*\D*?)?([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)")
_HEADINGS = re.compile(r"\s*STATUS\s+MATRICULA\s+NOME\s.*CPF\s*", re.IGNORECASE)
_RULE = re.compile(r"[\s=_-]*")
_LEGEND = re.compile(r"\s*Legenda do Status\s*:?\s*", re.IGNORECASE)
_LEGEND_ITEM = re.compile(r"\s*[1-6S]\s*-\s*[^\W\d_][^\d]{2,100}")


class Part(Enum):
    """What a line is."""

    BLANK = auto()
    HEADER = auto()
    HEADINGS = auto()
    ROW = auto()
    ORGAN = auto()
    STATUS_TOTAL = auto()
    LEGEND = auto()


class Line(NamedTuple):
    """A line and what its pattern found in it."""

    part: Part
    found: re.Match[str] | None = None


_PATTERNS = (
    (Part.HEADER, _HEADER),
    (Part.ORGAN, _ORGAN),
    (Part.STATUS_TOTAL, _STATUS_TOTAL),
    (Part.HEADINGS, _HEADINGS),
    (Part.LEGEND, _LEGEND),
    (Part.LEGEND, _LEGEND_ITEM),
)


def part_of(text: str) -> Line:
    """What the line is. The test for a row comes first: they are nearly all."""
    if text[2:3] in "123456S" and text[:2] == "  " and text[3:7] == "    " and len(text) > 100:  # noqa: PLR2004
        return Line(Part.ROW)
    if _RULE.fullmatch(text):
        return Line(Part.BLANK)
    for part, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return Line(part, found)
    return Line(Part.ROW)


def page_of(found: re.Match[str]) -> Page:
    """The page of a header. Raises FileRefused `page_header_unreadable`."""
    try:
        return Page(found["code"], fields.month(found["month"]))
    except (RowRefused, Unmatchable):
        raise FileRefused("page_header_unreadable", "A page header names no month of reference.") from None


def organ_of(found: re.Match[str]) -> tuple[Organ, int]:
    """The organ of a block, and how many rows it says the block has."""
    return Organ(found["code"], found["name"]), int(found["count"].replace(".", "") or 0)


def status_count(found: re.Match[str]) -> int:
    """How many rows a status has. Raises FileRefused `control_total_unreadable`."""
    told = _POSTINGS.search(found["rest"]) or _ONE_NUMBER.fullmatch(found["rest"])
    if told is None:
        raise FileRefused("control_total_unreadable", "A `Total do Status` says no number of rows.")
    return int(told[1].replace(".", ""))
