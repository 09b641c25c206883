import datetime as dt

import pytest

from core.errors import JobError
from tests.worker_service.documents.samples import (
    W,
    docx,
    docx_body,
    kinds_and_texts,
    raw_docx,
    texts,
    xlsx,
    zipped,
)
from worker_service.documents.extract import extract
from worker_service.documents.sniff import MediaType


def test_docx_in_body_order_with_headings_lists_and_tables() -> None:
    data = docx(
        ("Title", "Procedimento"),
        ("Heading 1", "Passos"),
        ("List Number", "Abra"),
        ("List Bullet", "Feche"),
        ("Heading 2", "Prazos"),
        ("Normal", "Veja:"),
        rows=[["Canal", "Prazo"], ["Site", "1 dia\ncerto"]],
        title="Da propriedade",
    )
    extracted = extract(data, MediaType.DOCX)
    assert extracted.title == "Procedimento"
    assert kinds_and_texts(extracted) == [
        ("heading", "Procedimento"),
        ("heading", "Passos"),
        ("list_item", "Abra"),
        ("list_item", "Feche"),
        ("heading", "Prazos"),
        ("paragraph", "Veja:"),
        ("table_row", "Canal: Site; Prazo: 1 dia certo"),
    ]
    assert [block.level for block in extracted.blocks][:5] == [1, 1, 0, 0, 2]


def test_docx_title_falls_back_to_the_property() -> None:
    assert (
        extract(docx(("Normal", "oi"), title="  Da propriedade "), MediaType.DOCX).title == "Da propriedade"
    )


def test_docx_reads_controls_revisions_and_levels_but_nothing_hidden() -> None:
    data = docx_body(
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>controle</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:pPr><w:outlineLvl w:val='2'/></w:pPr><w:r><w:t>nível</w:t></w:r></w:p>"
        "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>item</w:t></w:r></w:p>"
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>oculto</w:t></w:r><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t>"
        "<w:br/><w:t>c</w:t></w:r><w:del><w:r><w:delText>x</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>d</w:t></w:r></w:ins></w:p>"
        "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>"
        "<w:p><w:r><w:t>largo</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    assert kinds_and_texts(extract(data, MediaType.DOCX)) == [
        ("paragraph", "controle"),
        ("heading", "nível"),
        ("list_item", "item"),
        ("paragraph", "a b"),
        ("paragraph", "cd"),
        ("paragraph", "largo"),
        ("paragraph", "2"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        raw_docx(b"<w:document"),
        raw_docx(b"<a/>"),
        zipped({"[Content_Types].xml": b"", "word/documento.xml": b""}),
        docx(("Normal", "oi"))[:-40],
        docx(("Normal", "oi"))[:200],
        xlsx({"P": [["x"]]})[:-40],
        zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"nem xml"}),
    ],
)
def test_broken_office_files_are_said_so(data: bytes) -> None:
    media_type = MediaType.XLSX if b"xl/" in data else MediaType.DOCX
    with pytest.raises(JobError) as refusal:
        extract(data, media_type)
    assert refusal.value.code == "document_broken"


def test_docx_entities_are_not_expanded() -> None:
    padding = b"<!--" + b" " * 5_000 + b"-->"
    entities = b'<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    body = (
        f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>oi &a; &b;</w:t></w:r></w:p></w:body></w:document>'
    )
    found = texts(raw_docx(padding + entities + body.encode()), MediaType.DOCX)
    assert "lol" not in found[0]
    assert "root:" not in found[0]


def test_xlsx_rows_name_their_columns_in_brazilian_values() -> None:
    rows = [
        ["Tabela de preços", None],
        ["Serviço", "Valor", "Desde", "Ativo", "Hora"],
        ["TED", 8.4, dt.date(2026, 1, 2), True, dt.time(9, 30)],
        [None, None, None],
        ["Pix", 0, dt.datetime(2026, 1, 2, 8, 15), False, None],  # noqa: DTZ001 - sheets know no zone
    ]
    assert texts(xlsx({"Preços": rows}), MediaType.XLSX) == [
        "Tabela de preços",
        "Serviço: TED; Valor: 8,4; Desde: 02/01/2026; Ativo: sim; Hora: 09:30",
        "Serviço: Pix; Valor: 0; Desde: 02/01/2026 08:15; Ativo: não",
    ]


def test_xlsx_of_several_sheets_has_headings() -> None:
    found = extract(xlsx({"Um": [["a", "b"], ["1", "2"]], "Dois": [["c"]], "Vazia": []}), MediaType.XLSX)
    assert kinds_and_texts(found) == [
        ("heading", "Um"),
        ("table_row", "a: 1; b: 2"),
        ("heading", "Dois"),
        ("paragraph", "c"),
    ]


def test_xlsx_money_and_percentages() -> None:
    import io

    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Item", "Preço", "Taxa"])
    sheet.append(["Cota", 1234.5, 0.0139])
    sheet["B2"].number_format, sheet["C2"].number_format = '"R$" #,##0.00', "0.00%"
    hidden = book.create_sheet("Oculta")
    hidden.append(["segredo"])
    hidden.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    assert texts(stream.getvalue(), MediaType.XLSX) == ["Item: Cota; Preço: R$ 1.234,50; Taxa: 1,39%"]
