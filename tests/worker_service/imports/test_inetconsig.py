from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from ops.samples import inetconsig as made
from ops.samples.people import Someone, someone
from worker_service.imports.layouts.encoding import decode
from worker_service.imports.layouts.inetconsig_file import open_file
from worker_service.imports.layouts.rows import FileRefused, Outcome, Rejected, Row

PERSON = someone(Random(7))
GOOD = made.row(made.Posting(PERSON))


@dataclass
class File:
    """Lines of a file, one block of one page unless they say otherwise."""

    rows: list[str]
    count: int | None = None
    before: tuple[str, ...] = (made.header(), made.HEADINGS)
    after: tuple[str, ...] = made.LEGEND

    def data(self) -> bytes:
        total = made.organ_total(len(self.rows) if self.count is None else self.count)
        return "\r\n".join([*self.before, *self.rows, total, *self.after]).encode("latin-1")


def outcomes(*rows: str) -> list[Outcome]:
    return list(open_file(decode(File(list(rows)).data())).outcomes())


def one(row: str) -> Row:
    (outcome,) = outcomes(row)
    assert isinstance(outcome, Row), outcome
    return outcome


def code_of(row: str) -> str:
    (outcome,) = outcomes(row)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.line == 3
    assert outcome.message
    return outcome.code


def refusal(data: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        open_file(decode(data))
    return caught.value.code


def test_all_fields_of_a_row() -> None:
    row = one(GOOD)
    assert (row.cpf, row.name) == (PERSON.cpf, PERSON.name[:30].strip())
    assert row.enrollment is not None
    assert row.enrollment == ("2007", "012345-6", "PROFESSOR 40H", "001", "SECRETARIA DE EXEMPLO")
    assert row.entry == (date(2026, 6, 1), "5201", Decimal("1234.56"), "021", "1", 24, 88)


def test_a_loan_of_88_instalments_is_not_one_of_24() -> None:
    entry = one(made.row(made.Posting(PERSON, total=88, paid=24))).entry
    assert entry is not None
    assert (entry.paid, entry.total) == (24, 88)


def test_the_amount_is_not_the_paying_organ() -> None:
    row = one(made.row(made.Posting(PERSON, amount="30.00")))
    assert row.entry is not None
    assert row.enrollment is not None
    assert (row.entry.amount, row.enrollment.paying_organ) == (Decimal("30.00"), "001")


def test_a_name_is_not_cut_to_four_words() -> None:
    assert one(made.row(made.Posting(Someone(PERSON.cpf, "Ana da Cunha dos Anjos Sá")))).name == (
        "Ana da Cunha dos Anjos Sá"
    )


def test_a_second_loan_with_the_same_rubric_is_a_second_row() -> None:
    rows = outcomes(GOOD, GOOD)
    assert [row.line for row in rows] == [3, 4]
    assert rows[0].raw == rows[1].raw


def test_the_organ_of_a_block_is_that_of_the_rows_above_it() -> None:
    other = made.row(made.Posting(PERSON, organ="002"))
    data = "\n".join(
        [
            made.header(),
            GOOD,
            made.organ_total(1),
            other,
            made.organ_total(1, organ="002").replace("DE", "DO"),
        ]
    ).encode("latin-1")
    first, second = open_file(decode(data)).outcomes()
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert first.enrollment is not None
    assert second.enrollment is not None
    assert first.enrollment.paying_organ_name == "SECRETARIA DE EXEMPLO"
    assert second.enrollment.paying_organ_name == "SECRETARIA DO EXEMPLO"


def test_a_page_may_begin_within_a_block() -> None:
    data = "\r\n".join(
        [made.header(), GOOD, "\f" + made.header(month="07/2026"), GOOD, made.organ_total(2)]
    ).encode("latin-1")
    months = [
        row.entry.month.month
        for row in open_file(decode(data)).outcomes()
        if isinstance(row, Row) and row.entry
    ]
    assert months == [6, 7]


@pytest.mark.parametrize(
    ("posting", "code"),
    [
        ({"amount": ""}, "amount_missing"),
        ({"amount": "0,5"}, "bad_amount"),
        ({"amount": "1.234"}, "bad_amount"),
        ({"amount": "1,234.56"}, "bad_amount"),
        ({"amount": "12O,00"}, "bad_amount"),
        ({"total": 24, "paid": 88}, "instalments"),
        ({"rubric": "    "}, "bad_rubric"),
        ({"number": "        "}, "bad_enrollment"),
        ({"organ": "002"}, "paying_organ_differs"),
        ({"organ": "A01"}, "bad_paying_organ"),
        ({"status": "7"}, "bad_status"),
        ({"person": Someone("11111111111", "Ana Sá")}, "bad_cpf"),
        ({"person": Someone(f"{PERSON.cpf[:10]}{(int(PERSON.cpf[10]) + 1) % 10}", "Ana Sá")}, "bad_cpf"),
        ({"person": Someone(PERSON.cpf, "")}, "name_missing"),
        ({"person": Someone(PERSON.cpf, "Ana\x00Sá")}, "control_character"),
    ],
)
def test_a_bad_field_has_its_code(posting: dict[str, object], code: str) -> None:
    assert code_of(made.row(made.Posting(**{"person": PERSON, **posting}))) == code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (GOOD[:-1], "row_short"),
        (GOOD + "1", "row_long"),
        (GOOD[:40] + " " + GOOD[40:-1], "columns_shifted"),
        (GOOD[:90] + GOOD[91:] + "1", "columns_shifted"),
        ("anything else", "row_short"),
    ],
)
def test_a_row_out_of_place_has_its_code(row: str, code: str) -> None:
    assert code_of(row) == code


def test_a_bad_row_harms_only_itself() -> None:
    bad = made.row(made.Posting(PERSON, amount="nada"))
    first, second, third = outcomes(GOOD, bad, GOOD)
    assert isinstance(first, Row)
    assert isinstance(second, Rejected)
    assert (second.line, second.code) == (4, "bad_amount")
    assert isinstance(third, Row)


def test_a_file_whose_total_differs_is_refused() -> None:
    assert refusal(File([GOOD, GOOD], count=3).data()) == "control_total_differs"
    assert refusal(File([GOOD, GOOD], count=1).data()) == "control_total_differs"
    wrong_status = File([GOOD], after=(made.status_total(2),))
    assert refusal(wrong_status.data()) == "control_total_differs"


def test_a_status_total_that_says_nothing_refuses_the_file() -> None:
    assert refusal(File([GOOD], after=("Total do Status: muitos",)).data()) == "control_total_unreadable"


@pytest.mark.parametrize(
    "rest", ["1 Lançamento(s)", "1", "1 - Lançados: 1", "4 - 1 Lançamento(s) R$ 1.234,56"]
)
def test_status_totals_are_written_in_several_ways(rest: str) -> None:
    reading = open_file(decode(File([GOOD], after=(f"Total do Status: {rest}",)).data()))
    assert reading.totals == {"rows": 1, "blocks": 1, "statuses": 1}


def test_a_file_that_was_cut_is_refused() -> None:
    whole = made.sample(200)
    for end in range(len(whole) // 3, len(whole) - 600, 997):
        assert refusal(whole[:end]) in {"control_total_missing", "control_total_differs"}


def test_pages_of_two_entities_are_two_files() -> None:
    other = made.header(entity="2008-OUTRA")
    assert refusal(File([GOOD, other, GOOD], count=2).data()) == "entities_differ"


def test_what_is_no_payroll_at_all_is_refused() -> None:
    assert refusal(b"  \r\n ") == "file_empty"
    assert refusal("Olá,\ntudo bem?".encode()) == "page_header_missing"
    assert refusal(File([GOOD], before=(made.header(month="13/2026"),)).data()) == "page_header_unreadable"


def test_rows_before_the_first_header_are_refused_one_by_one() -> None:
    data = "\n".join([GOOD, made.header(), GOOD, made.organ_total(2)]).encode("latin-1")
    first, second = open_file(decode(data)).outcomes()
    assert isinstance(first, Rejected)
    assert first.code == "no_page_header"
    assert isinstance(second, Row)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_the_same_file_in_any_encoding(encoding: str) -> None:
    data = made.sample(120).decode("latin-1").encode(encoding)
    expected = list(open_file(decode(made.sample(120))).outcomes())
    assert list(open_file(decode(data)).outcomes()) == expected


def test_a_broken_byte_in_a_utf8_file_harms_its_row_only() -> None:
    data = made.sample(200).decode("latin-1").encode()
    at = data.index(b"Gilda")
    found = list(open_file(decode(data[:at] + b"\xff" + data[at + 1 :])).outcomes())
    assert [row.code for row in found if isinstance(row, Rejected)] == ["encoding"]
    assert len(found) == 200
