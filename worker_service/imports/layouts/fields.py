"""What a cell may hold: money, CPF, months, counts. An empty or doubtful one is refused, never 0. Pure."""

import re
from datetime import date
from decimal import Decimal

from core.matching import IdentityKind, Unmatchable, canonical
from worker_service.imports.layouts.rows import RowRefused

MAX_DIGITS = 12  # before the mark: numeric(14, 2)
CPF_DIGITS = 11
FIRST_YEAR, LAST_YEAR = 1990, 2100
_COMMA = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]{2})")
_POINT = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{2})")
_POINT_UNGROUPED = re.compile(r"[0-9]+\.[0-9]{2}")
_CURRENCY = re.compile(r"R\$\s*")
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_FLOAT = re.compile(r"([0-9]{1,11})[.,]0+")
_MONTH = re.compile(r"(0[1-9]|1[0-2])/([0-9]{4})|([0-9]{4})-(0[1-9]|1[0-2])(?:-01)?")


def payroll_money(text: str) -> Decimal:
    """`1.234,56` or `30.00`, which iNETConsig mixes: two digits after the last mark, always."""
    if _COMMA.fullmatch(text):
        return _amount(text.replace(".", "").replace(",", "."))
    if _POINT_UNGROUPED.fullmatch(text):
        return _amount(text)
    raise _no_amount(text)


def money(text: str, *, mark: str) -> Decimal:
    """An amount with this decimal mark, `,` or `.`; cents are left out only where nothing is grouped."""
    text = _CURRENCY.sub("", text.strip())
    if (_COMMA if mark == "," else _POINT).fullmatch(text):
        group = "." if mark == "," else ","
        return _amount(text.replace(group, "").replace(mark, "."))
    if text.isascii() and text.isdigit():
        return _amount(text)
    raise _no_amount(text)


def cpf(text: str) -> str:
    """Eleven digits that check each other."""
    try:
        return canonical(IdentityKind.CPF, text)
    except Unmatchable:
        raise RowRefused("bad_cpf", "the CPF has not 11 digits, or its check digits are wrong") from None


def spreadsheet_cpf(text: str) -> tuple[str, bool]:
    """A CPF that a spreadsheet took for a number, and whether zeros had to be given back.

    `1.23456789E+10` is refused with fewer digits than its exponent asks for: the rest was rounded away.
    """
    text = _plain_number(text.strip())
    is_short = text.isascii() and text.isdigit() and len(text) < CPF_DIGITS
    return cpf(text.zfill(CPF_DIGITS) if is_short else text), is_short


def count(text: str, code: str) -> int:
    """A count of up to three digits."""
    if text.isascii() and text.isdigit() and len(text) <= 3:  # noqa: PLR2004 - three columns
        return int(text)
    raise RowRefused(code, "an instalment count is not a number of up to three digits")


def instalments(paid: int, total: int) -> tuple[int, int]:
    """(paid, total). A total of 0 is a posting without an end."""
    if total and paid > total:
        raise RowRefused("instalments", "more instalments are paid than there are")
    return paid, total


def month(text: str) -> date:
    """The first day of `MM/AAAA` or `AAAA-MM`."""
    found = _MONTH.fullmatch(text.strip())
    if found is None:
        raise RowRefused("bad_month", "the month is not written as MM/AAAA")
    year, number = int(found[2] or found[3]), int(found[1] or found[4])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RowRefused("bad_month", f"the year does not lie between {FIRST_YEAR} and {LAST_YEAR}")
    return date(year, number, 1)


def _plain_number(text: str) -> str:
    if found := _FLOAT.fullmatch(text):
        return found[1]
    found = _SCIENTIFIC.fullmatch(text)
    if found is None:
        return text
    digits, exponent = found[1] + (found[2] or ""), int(found[3])
    if len(digits.rstrip("0")) > exponent + 1 or len(digits) < exponent + 1:
        raise RowRefused("cpf_rounded", "a spreadsheet rounded the CPF; format its column as text")
    return digits[: exponent + 1]


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if amount >= 10**MAX_DIGITS:
        raise RowRefused("bad_amount", "the amount is too large")
    return amount


def _no_amount(text: str) -> RowRefused:
    if not text:
        return RowRefused("amount_missing", "the row has no amount")
    return RowRefused("bad_amount", "the amount is not written as this layout writes amounts")
