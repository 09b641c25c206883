from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker_service.imports.damage import damage, open_lead_file, open_payroll, withstand
from worker_service.imports.layouts.encoding import lines


def test_damaged_files_are_refused_or_every_row_of_them_comes_out() -> None:
    went = damage(400, seed=20)
    assert {key.split(" ", 1)[1] for key in went} == {"read", "refused"}
    assert went["payroll read"] > 10
    assert went["payroll refused"] > 10
    assert went["leads read"] > 10
    assert went["workbook refused"] > 10


@given(data=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_end_in_a_code(data: bytes) -> None:
    for open_ in (open_payroll, open_lead_file):
        withstand(data, open_, Counter())


@given(text=st.text(alphabet="ab\r\n\f", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_character_of_a_line_is_lost(text: str) -> None:
    parts = list(lines(text))
    assert "".join(part for _, part in parts) == "".join(char for char in text if char in "ab")
    assert [number for number, _ in parts] == sorted(number for number, _ in parts)
