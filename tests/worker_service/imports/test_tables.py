import io
from random import Random

import pytest
from openpyxl import Workbook
from pydantic import ValidationError

from core.imports import Mapping
from ops.samples import leads as made
from ops.samples.people import cpf_of, someone
from worker_service.imports.layouts.leads import open_leads
from worker_service.imports.layouts.mapped import open_mapped
from worker_service.imports.layouts.rows import FileRefused, Outcome, Rejected, Row
from worker_service.imports.layouts.tables import CPF_PADDED

PERSON = someone(Random(3))
SHORT = cpf_of(12_345)  # begins with four zeros
COLUMNS = {
    "cpf": "CPF",
    "name": "Nome",
    "enrollment": "Matrícula",
    "month": "Mês",
    "rubric": "Rubrica",
    "amount": "Valor",
    "paid": "Pagas",
    "total": "Prazo",
}
HEADINGS = "CPF;Nome;Matrícula;Mês;Rubrica;Valor;Pagas;Prazo"


def leads(*lines: str, encoding: str = "utf-8") -> list[Outcome]:
    return list(open_leads("\r\n".join(lines).encode(encoding), entity=None).outcomes())


def mapped(*lines: str, **changes: object) -> list[Outcome]:
    mapping = Mapping.model_validate({"columns": COLUMNS, **changes})
    return list(open_mapped("\n".join([HEADINGS, *lines]).encode(), mapping, entity="EXEMPLO").outcomes())


def code(outcomes: list[Outcome]) -> str:
    (outcome,) = outcomes
    assert isinstance(outcome, Rejected), outcome
    return outcome.code


def refusal(data: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        open_leads(data, entity=None)
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_leads_in_any_dress(encoding: str, delimiter: str) -> None:
    (row,) = leads(
        delimiter.join(["Nome_Cliente", "CPF", "MATRÍCULA", "Convênio"]),
        delimiter.join(["Íris Sá – Gonçalves", PERSON.cpf, "000123-X", "INSS"]),
        encoding=encoding,
    )
    assert isinstance(row, Row)
    assert (row.cpf, row.name) == (PERSON.cpf, "Íris Sá – Gonçalves")
    assert row.enrollment == ("INSS", "000123-X", None, None, None)


@pytest.mark.parametrize("written", [SHORT.lstrip("0"), f"{SHORT.lstrip('0')}.0", f"{SHORT.lstrip('0')},00"])
def test_lost_zeros_come_back_and_are_noted(written: str) -> None:
    (row,) = leads("Nome;CPF", f"Ana;{written}")
    assert isinstance(row, Row)
    assert (row.cpf, row.notes) == (SHORT, (CPF_PADDED,))


@pytest.mark.parametrize("mark", [".", ","])
def test_a_whole_scientific_number_is_the_cpf(mark: str) -> None:
    (row,) = leads("Nome|CPF", f"Ana|{PERSON.cpf[0]}{mark}{PERSON.cpf[1:]}E+10")
    assert isinstance(row, Row)
    assert row.cpf == PERSON.cpf


def test_a_rounded_cpf_is_refused() -> None:
    assert code(leads("Nome;CPF", f"Ana;{PERSON.cpf[0]},{PERSON.cpf[1:5]}E+10")) == "cpf_rounded"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ana;", "cpf_missing"),
        ("Ana;123", "bad_cpf"),
        ("Ana;00000000000", "bad_cpf"),
        ("Ana", "cell_count"),
        (f"Ana;{PERSON.cpf};more", "cell_count"),
        (f'"Ana;{PERSON.cpf}', "bad_quoting"),
        (f"{'a' * 201};{PERSON.cpf}", "cell_long"),
        (f"An\x01a;{PERSON.cpf}", "control_character"),
    ],
)
def test_a_bad_lead_has_its_code(line: str, expected: str) -> None:
    assert code(leads("Nome;CPF", line)) == expected


def test_an_unclosed_quote_swallows_no_other_row() -> None:
    good = f"Ana;{PERSON.cpf}"
    found = leads("Nome;CPF", good, f'"{good}', good, "", good)
    assert [type(row) for row in found] == [Row, Rejected, Row, Row]
    assert [row.line for row in found] == [2, 3, 4, 6]


def test_a_declared_delimiter_is_taken() -> None:
    (row,) = leads("sep=,", "Nome,CPF", f"Ana,{PERSON.cpf}")
    assert isinstance(row, Row)


def test_a_matricula_of_nobody_is_refused() -> None:
    assert code(leads("Nome;CPF;Matricula", f"Ana;{PERSON.cpf};1")) == "entity_missing"


def test_files_without_what_is_needed_are_refused() -> None:
    assert refusal(b"Nome;Telefone\nAna;1") == "cpf_column_missing"
    assert refusal(b"CPF;CPF_Cliente\n1;2") == "headings_ambiguous"
    assert refusal(b"Nome;CPF") == "file_empty"
    assert refusal(b'"Nome;CPF\nAna;1') == "headings_unreadable"
    assert refusal(b"PK\x03\x04 not a workbook") == "document_broken"


def test_a_workbook() -> None:
    found = list(open_leads(made.sample_xlsx(30, seed=4), entity=None).outcomes())
    assert all(isinstance(row, Row) for row in found)
    assert [row.line for row in found] == list(range(2, 32))
    texts = list(open_leads(made.sample_csv(30, seed=4), entity=None).outcomes())
    assert [row.cpf for row in found if isinstance(row, Row)] == [
        row.cpf for row in texts if isinstance(row, Row)
    ]


def test_a_damaged_workbook_is_refused() -> None:
    whole = made.sample_xlsx(30)
    assert refusal(whole[: len(whole) // 2]) == "document_broken"


def test_numbers_of_a_workbook_are_not_rounded() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Nome", "CPF"])
    sheet.append(["Ana", 1234.5678])
    book.save(file := io.BytesIO())
    assert code(list(open_leads(file.getvalue(), entity=None).outcomes())) == "bad_cpf"


def test_a_mapped_file() -> None:
    (row,) = mapped(f"{PERSON.cpf};Ana;1-X;06/2026;5201;R$ 1.234,56;24;88")
    assert isinstance(row, Row)
    assert row.entry is not None
    assert str(row.entry.amount) == "1234.56"
    assert (row.entry.paid, row.entry.total) == (24, 88)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("06/2026;5201;;1;2", "amount_missing"),
        ("06/2026;5201;1.234;1;2", "bad_amount"),
        ("06/2026;5201;1234.56;1;2", "bad_amount"),
        ("06/2026;5201;-1,00;1;2", "bad_amount"),
        ("06/2026;5201;9999999999999,00;1;2", "bad_amount"),
        ("06/2026;5201;1,00;;2", "bad_paid"),
        ("06/2026;5201;1,00;3;2", "instalments"),
        ("2026;5201;1,00;1;2", "bad_month"),
        (";5201;1,00;1;2", "bad_month"),
        ("06/2026;;1,00;1;2", "bad_rubric"),
    ],
)
def test_a_bad_payroll_line_has_its_code(cells: str, expected: str) -> None:
    assert code(mapped(f"{PERSON.cpf};Ana;1-X;{cells}")) == expected


def test_a_cpf_that_lost_its_zeros_is_mended_in_spreadsheets_only() -> None:
    assert code(mapped(f"{SHORT.lstrip('0')};Ana;1-X;06/2026;5201;1,00;1;2")) == "bad_cpf"


def test_the_decimal_mark_is_said_not_guessed() -> None:
    (row,) = mapped(f"{PERSON.cpf};Ana;1-X;06/2026;5201;1,234.56;1;2", decimal_mark=".")
    assert isinstance(row, Row)
    assert row.entry is not None
    assert str(row.entry.amount) == "1234.56"


def test_an_announced_number_of_rows_must_be_found() -> None:
    with pytest.raises(FileRefused) as caught:
        mapped(f"{PERSON.cpf};Ana;1-X;06/2026;5201;1,00;1;2", rows=2)
    assert caught.value.code == "control_total_differs"


def test_a_heading_that_is_not_there_refuses_the_file() -> None:
    with pytest.raises(FileRefused) as caught:
        mapped("", columns={"cpf": "CIC"})
    assert caught.value.code == "mapping_mismatch"


@pytest.mark.parametrize(
    "columns", [{"name": "Nome"}, {"cpf": "A", "name": "A"}, {"cpf": "A", "amount": "B"}, {"cpf": " "}]
)
def test_a_mapping_that_maps_nothing_is_refused(columns: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate({"columns": columns})
