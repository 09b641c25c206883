import pytest

from tests.worker_service.documents.samples import kinds_and_texts, texts
from worker_service.documents.extract import extract
from worker_service.documents.sniff import MediaType


def test_keeps_what_a_reader_sees() -> None:
    page = """<html><head><title>A  &amp; B</title><style>x{}</style></head><body>
    <nav>menu</nav><h1>Um <em>título</em></h1><script>x()</script>
    <div>solto<p>par<b>te</b>s <a href=x>elo</a></p>fim<br>linha</div>
    <p hidden>h</p><p style="display : none">h</p><div aria-hidden="true">h</div>
    <div role="navigation">h</div>
    <ul><li>um<ul><li>dentro</ul><li><p>dois</p></ul><img alt="Foto"><!-- c -->
    <form><select><option>o</select><button>b</button><label>Nome</label></form><footer>pé</footer></body></html>"""
    extracted = extract(page.encode(), MediaType.HTML)
    assert extracted.title == "A & B"
    assert kinds_and_texts(extracted) == [
        ("heading", "Um título"),
        ("paragraph", "solto"),
        ("paragraph", "partes elo"),
        ("paragraph", "fim"),
        ("paragraph", "linha"),
        ("list_item", "um"),
        ("list_item", "dentro"),
        ("list_item", "dois"),
        ("paragraph", "Foto"),
        ("paragraph", "Nome"),
    ]


def test_reads_only_main_when_there_is_one() -> None:
    page = b"<body><div>banner</div><main><p>isto</p></main><div>fim</div>"
    assert texts(page, MediaType.HTML) == ["isto"]


def test_tables_name_their_columns_and_repeat_spans() -> None:
    page = """<table><caption>c</caption><thead><tr><th>Dia</th><th>Abre</th><th>Fecha</th></tr></thead>
    <tr><td rowspan=2>Seg</td><td>8h</td><td>12h</td></tr><tr><td>13h</td><td><p>17h</p></td></tr>
    <tr><td>Dom</td><td colspan=2>fechado</td></tr><tr><td colspan=3>Feriados: ver aviso</td></tr></table>"""
    assert texts(page.encode(), MediaType.HTML) == [
        "Dia: Seg; Abre: 8h; Fecha: 12h",
        "Dia: Seg; Abre: 13h; Fecha: 17h",
        "Dia: Dom; Abre: fechado; Fecha: fechado",
        "Feriados: ver aviso",
    ]


def test_layout_tables_are_not_data() -> None:
    inner = "<table><tr><td>x</td><td>y</td></tr></table>"
    page = f"<table><tr><td><h2>T</h2><p>a</p></td><td>{inner}</td></tr></table>".encode()
    assert kinds_and_texts(extract(page, MediaType.HTML)) == [
        ("heading", "T"),
        ("paragraph", "a"),
        ("table_row", "x; y"),
    ]


@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="iso-8859-1"><p>ação</p>'.encode("latin-1"),
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252"><p>ação</p>'.encode(
            "cp1252"
        ),
        '<meta charset="iso-8859-1"><p>ação</p>'.encode(),
        '<meta charset="nonsense"><p>ação</p>'.encode("cp1252"),
        "<p>ação</p>".encode("utf-16"),
    ],
)
def test_encodings(page: bytes) -> None:
    assert texts(page, MediaType.HTML) == ["ação"]


def test_bad_markup_is_read_as_browsers_do() -> None:
    page = (
        b"<p>um<p>dois</b><td>tres<table><tr><td colspan=-1 rowspan=99999999>q<td colspan=x>r" + b"\x00<p>fim"
    )
    assert "um" in texts(page, MediaType.HTML)


def test_entities_are_not_expanded_from_files() -> None:
    page = b'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>a&x;b</p>'
    assert "root:" not in " ".join(texts(page, MediaType.HTML))
