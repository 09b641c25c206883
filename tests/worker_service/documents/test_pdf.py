import pytest

from core.errors import JobError
from tests.worker_service.documents.samples import locked_pdf, pdf, texts
from worker_service.documents.extract import extract
from worker_service.documents.extract.pdf import without_running_lines
from worker_service.documents.sniff import MediaType

BODY = [
    "O atendimento presencial acontece nas agências de segunda-",
    "feira a sexta, e a central telefônica recebe as liga-",
    "ções em horário estendido. Aos sábados apenas a agência",
    "central abre, e os cooperados podem manifestar-",
    "se pela ouvidoria.",
]


def test_words_are_joined_over_line_ends() -> None:
    assert texts(pdf(BODY), MediaType.PDF) == [
        (
            "O atendimento presencial acontece nas agências de segunda-feira a sexta, e a central telefônica "
            "recebe as ligações em horário estendido. Aos sábados apenas a agência central abre, e os "
            "cooperados podem manifestar-se pela ouvidoria."
        )
    ]


def test_pages_titles_and_headings_are_kept() -> None:
    extracted = extract(
        pdf(["CAPÍTULO I", *BODY], ["CAPÍTULO II", *BODY], title="Regulamento"), MediaType.PDF
    )
    assert extracted.title == "Regulamento"
    assert [(block.kind, block.page) for block in extracted.blocks] == [
        ("heading", 1),
        ("paragraph", 1),
        ("heading", 2),
        ("paragraph", 2),
    ]


@pytest.mark.parametrize("title", ["Microsoft Word - a.docx", "untitled", "  ", "relatorio.pdf"])
def test_titles_that_say_nothing_are_dropped(title: str) -> None:
    assert extract(pdf(["Um texto."], title=title), MediaType.PDF).title is None


def test_running_lines_go_and_unsure_ones_stay() -> None:
    pages = [
        ["Cooperativa Aurora", f"Texto {word}.", f"outro {word}", f"Página {n} de 3"]
        for n, word in enumerate("abc", 1)
    ]
    assert without_running_lines(pages) == [[f"Texto {word}.", f"outro {word}"] for word in "abc"]
    assert without_running_lines([["Igual", "a", "b"], ["Igual", "c", "d"]]) == [
        ["Igual", "a", "b"],
        ["Igual", "c", "d"],
    ]


def test_a_sentence_cut_by_a_page_is_one_again() -> None:
    assert texts(pdf(BODY[:2], BODY[2:]), MediaType.PDF) == texts(pdf(BODY), MediaType.PDF)


def test_an_empty_password_opens() -> None:
    assert texts(locked_pdf(""), MediaType.PDF) == ["Conteúdo protegido da cooperativa."]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (locked_pdf("segredo"), "document_encrypted"),
        (pdf([]), "document_empty"),
        (pdf(["oi"])[:300], "document_broken"),
        (b"%PDF-1.7\n", "document_broken"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 40, "document_broken"),
        (pdf(*[[]] * 2_001), "parser_limit"),
    ],
)
def test_unreadable_files_say_why(data: bytes, code: str) -> None:
    with pytest.raises(JobError) as refusal:
        extract(data, MediaType.PDF)
    assert refusal.value.code == code
