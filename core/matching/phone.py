"""Telephone numbers: which spellings are one line.

Brazilian mobiles of the old range (6-9) got a ninth digit in front, and WhatsApp still hands out both forms:
they are one line. A landline never gets a 9: that would be a stranger's mobile. No numbering-plan library is
asked: they reject old WhatsApp ids that are alive.
"""

import re

from core.matching.unmatchable import Unmatchable

AREA_CODES = frozenset(
    "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 "
    "55 61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 "
    "99".split()
)
"""Anatel, Plano Geral de Códigos Nacionais. Used to read national spellings only, never to refuse E.164."""

BRAZIL = "55"
_DECORATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_E164 = re.compile(r"[1-9][0-9]{7,14}")
_MOBILE = re.compile(r"55(?P<area>[1-9][0-9])9?(?P<line>[6-9][0-9]{7})")
_GEOGRAPHIC = re.compile(r"(?P<area>[1-9][0-9])(?:9[0-9]{8}|[2-9][0-9]{7})")
_TOLL_FREE = re.compile(r"[3589]0[03][0-9]{7}")


def phone_key(value: str) -> str:
    """The key of a number: E.164 with `+` or `00`, or as Brazilians write it at home, with the area code.

    Raises Unmatchable for anything else, a number without its area code included.
    """
    digits = _DECORATION.sub("", value)
    if digits.startswith(("+", "00")):
        return e164_key(digits.removeprefix("+").removeprefix("00"))
    national = digits.removeprefix("0")
    if _is_national(national):
        return e164_key(BRAZIL + national)
    return e164_key(digits) if len(digits) > 11 else _refuse()  # noqa: PLR2004 - no national number is longer


def e164_key(digits: str) -> str:
    """The key of E.164 digits without `+`, as WhatsApp ids are. Raises Unmatchable.

    `br:DD` and eight digits for a mobile of the range that exists with and without the ninth digit;
    all digits, unchanged, for everything else.
    """
    if not _E164.fullmatch(digits):
        _refuse()
    if digits.startswith(f"{BRAZIL}0"):  # the trunk prefix, as in +55 (0)11
        digits = BRAZIL + digits[3:]
    mobile = _MOBILE.fullmatch(digits)
    return f"br:{mobile['area']}{mobile['line']}" if mobile else digits


def _is_national(digits: str) -> bool:
    found = _GEOGRAPHIC.fullmatch(digits)
    return bool((found and found["area"] in AREA_CODES) or _TOLL_FREE.fullmatch(digits))


def _refuse() -> str:
    raise Unmatchable("this is not a telephone number with its area code")
