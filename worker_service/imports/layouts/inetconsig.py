"""A row of an iNETConsig return: 145 columns, each field where its data sits, not where its heading does.

Pure. The headings are wider than the data and overlap it: cut by them, 88 instalments become 24 and an
amount becomes a paying organ. Columns are counted from 0 and end before the second number.
"""

import re
from datetime import date
from typing import NamedTuple

from worker_service.imports.layouts import fields
from worker_service.imports.layouts.encoding import check
from worker_service.imports.layouts.rows import Enrollment, Entry, Row, RowRefused

WIDTH = 145
STATUS = slice(2, 3)
NUMBER = slice(7, 15)
NAME = slice(17, 47)
POSITION = slice(48, 78)
RUBRIC = slice(79, 83)
POSTING = slice(84, 97)
TOTAL = slice(97, 100)
PAID = slice(103, 106)
AMOUNT = slice(107, 127)
PAYING_ORGAN = slice(127, 130)
CPF = slice(134, 145)
AMOUNT_ENDS = (121, 122)
GAPS = tuple(slice(*edges) for edges in ((0, 2), (3, 7), (15, 17), (47, 48), (78, 79), (83, 84), (100, 103)))
MORE_GAPS = (slice(106, 107), slice(130, 134))
STATUSES = frozenset("123456S")
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]{0,7}")
_RUBRIC = re.compile(r"[0-9A-Za-z]{1,4}")
_ORGAN = re.compile(r"[0-9]{3}")


class Page(NamedTuple):
    """What the header of a page says about the rows below it."""

    entity: str
    month: date


class Organ(NamedTuple):
    """The paying organ of a block of rows; its name comes after them."""

    code: str
    name: str


def read_row(line: int, text: str, page: Page | None, organ: Organ) -> Row:
    """The row. Raises RowRefused."""
    check(text)
    if page is None:
        raise RowRefused("no_page_header", "no page header before the row says whose payroll this is")
    text = _placed(text)
    return Row(
        line=line,
        raw=text,
        cpf=fields.cpf(text[CPF]),
        name=_filled(text[NAME], "name_missing", "the row has no name"),
        enrollment=_enrollment(text, page, organ),
        entry=_entry(text, page),
    )


def _enrollment(text: str, page: Page, organ: Organ) -> Enrollment:
    number = text[NUMBER].strip()
    if not _NUMBER.fullmatch(number):
        raise RowRefused("bad_enrollment", "the matrícula is missing or not one")
    if not _ORGAN.fullmatch(text[PAYING_ORGAN]):
        raise RowRefused("bad_paying_organ", "the paying organ is not a code of three digits")
    if text[PAYING_ORGAN] != organ.code:
        raise RowRefused("paying_organ_differs", "the row names another paying organ than its block")
    return Enrollment(page.entity, number, text[POSITION].strip() or None, organ.code, organ.name)


def _entry(text: str, page: Page) -> Entry:
    if text[STATUS] not in STATUSES:
        raise RowRefused("bad_status", "the status is none of 1 to 6 and S")
    rubric = text[RUBRIC].strip()
    if not _RUBRIC.fullmatch(rubric):
        raise RowRefused("bad_rubric", "the rubric is missing or not one")
    total = fields.count(text[TOTAL].strip(), "bad_total")
    paid, total = fields.instalments(fields.count(text[PAID].strip(), "bad_paid"), total)
    amount = fields.payroll_money(text[AMOUNT].strip())
    return Entry(page.month, rubric, amount, text[POSTING].strip() or None, text[STATUS], paid, total)


def _placed(text: str) -> str:
    """The row, 145 columns wide, with nothing where nothing should be."""
    text = text.rstrip()
    if len(text) < WIDTH:
        raise RowRefused("row_short", f"the row has fewer than {WIDTH} columns")
    if len(text) > WIDTH:
        raise RowRefused("row_long", f"the row has more than {WIDTH} columns")
    if any(text[gap].strip() for gap in (*GAPS, *MORE_GAPS)):
        raise RowRefused("columns_shifted", "a field does not stand in its columns")
    end = AMOUNT.start + len(text[AMOUNT].rstrip())
    if text[AMOUNT].strip() and end not in AMOUNT_ENDS:
        raise RowRefused("columns_shifted", "the amount does not end in its column")
    return text


def _filled(text: str, code: str, message: str) -> str:
    if not (found := text.strip()):
        raise RowRefused(code, message)
    return found
