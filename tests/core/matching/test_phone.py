from collections import defaultdict
from itertools import product

import pytest

from core.matching import Unmatchable
from core.matching.phone import AREA_CODES, e164_key, phone_key
from core.matching.whatsapp import wa_id_key


def lines() -> dict[str, set[str]]:
    """Every real line near a collision, by who owns it: each with all the E.164 forms that reach it."""
    found: dict[str, set[str]] = {}
    for area, first, rest in product(sorted(AREA_CODES), "23456789", ("0031234", "1234567", "9999999")):
        number = first + rest
        if first in "6789":
            found[f"mobile {area} {number}"] = {f"55{area}{number}", f"55{area}9{number}"}
        else:
            found[f"landline {area} {number}"] = {f"55{area}{number}"}
            found[f"new mobile {area} 9{number}"] = {f"55{area}9{number}"}
    for area, rest in product(sorted(AREA_CODES), ("0031234", "1234567")):
        for first in "01":
            found[f"new mobile {area} 9{first}{rest}"] = {f"55{area}9{first}{rest}"}
    for prefix, rest in product(("800", "300", "500", "900", "303"), ("1234567", "9876543", "7212345")):
        found[f"non-geographic {prefix} {rest}"] = {f"55{prefix}{rest}"}
    return found


def test_no_two_lines_share_a_key_and_no_line_has_two() -> None:
    assert len(AREA_CODES) == 67
    owners: dict[str, set[str]] = defaultdict(set)
    for line, forms in lines().items():
        keys = {e164_key(form) for form in forms}
        assert len(keys) == 1, line
        owners[keys.pop()].add(line)
    assert {key: who for key, who in owners.items() if len(who) > 1} == {}


def test_home_spellings_are_the_same_lines() -> None:
    for line, forms in lines().items():
        for form in forms:
            national = form[2:]
            key = e164_key(form)
            assert phone_key(f"+{form}") == phone_key(national) == phone_key(f"0{national}") == key, line
            assert phone_key(f"+55 (0){national}") == wa_id_key(f"{form}@s.whatsapp.net") == key, line


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("551130031234", "5511930031234"),  # a landline and the stranger's mobile that an added 9 would make
        ("+34 912 345 678", "+55 34 91234-5678"),
        ("+1 198 765 4321 9", "+55 11 98765-4321"),
        ("5491112345678", "541112345678"),
        ("5511987654321", "5521987654321"),
    ],
)
def test_strangers_stay_strangers(one: str, other: str) -> None:
    assert phone_key(one) != phone_key(other)


def test_the_rule_as_it_is_written() -> None:
    assert e164_key("5511987654321") == e164_key("551187654321") == "br:1187654321"
    assert e164_key("551130031234") == "551130031234"
    assert e164_key("5511930031234") == "5511930031234"
    assert phone_key("0800 123 4567") == "558001234567"
    assert phone_key("00351 912 345 678") == "351912345678"


@pytest.mark.parametrize(
    "text",
    [
        *("", "+", "190", "98765-4321", "4004 1234", "+55", "0" * 13, "9" * 400, "5511987654321x"),
        *("\u0665\u0665119876543210", "55119876543210000", "(20) 98765-4321", "11 9876-543"),
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Unmatchable):
        phone_key(text)
