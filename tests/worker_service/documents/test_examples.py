from pathlib import Path

import pytest

from worker_service.documents.canonical import CanonicalDocument, canonicalize
from worker_service.documents.chunk import split
from worker_service.documents.sandbox import ParseLimits, extract_safely
from worker_service.documents.sniff import MediaType, detect

EXAMPLES = Path(__file__).parents[3] / "examples"
DOCUMENTS = {
    "horario-de-atendimento.md": (MediaType.MARKDOWN, "Horário de atendimento", "das 9h às 16h"),
    "tabela-de-tarifas.csv": (MediaType.CSV, "tabela de tarifas", "Valor: R$ 8,40"),
    "aviso-de-privacidade.html": (MediaType.HTML, "Aviso de privacidade | Cooperativa Aurora", "180 dias"),
    "segunda-via-de-boleto.docx": (
        MediaType.DOCX,
        "Segunda via de boleto",
        "Canal: Agência; Prazo: 10 minutos",
    ),
    "regulamento-do-consignado.pdf": (
        MediaType.PDF,
        "Regulamento do crédito consignado",
        "35% da remuneração",
    ),
    "perguntas-frequentes.md": (MediaType.MARKDOWN, "Perguntas frequentes", "Quem pode ser cooperado?"),
}


async def read(name: str) -> tuple[MediaType, CanonicalDocument]:
    data = (EXAMPLES / name).read_bytes()
    media_type = detect(data, filename=name, declared=None)
    extracted = await extract_safely(data, media_type, limits=ParseLimits())
    return media_type, canonicalize(extracted, title=None, source=name)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_example_is_read(name: str) -> None:
    expected_type, title, fact = DOCUMENTS[name]
    media_type, document = await read(name)
    assert (media_type, document.title) == (expected_type, title)
    assert sum(fact in document.text[chunk.start : chunk.end] for chunk in split(document)) == 1


async def test_all_documents_are_listed() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {*DOCUMENTS}


async def test_one_document_alone_speaks_of_opening_hours() -> None:
    about = [name for name in DOCUMENTS if "horário de atendimento" in (await read(name))[1].text.lower()]
    assert about == ["horario-de-atendimento.md"]


async def test_what_the_page_hides_is_not_read() -> None:
    text = (await read("aviso-de-privacidade.html"))[1].text
    for hidden in ("Rascunho interno", "não faz parte do texto", "Fale conosco", "Todos os direitos"):
        assert hidden not in text


async def test_the_running_lines_of_the_regulation_are_gone() -> None:
    text = (await read("regulamento-do-consignado.pdf"))[1].text
    assert "Página" not in text
    assert text.startswith("CAPÍTULO I")
    assert [f"Art. {n}" in text for n in (1, 5, 10, 18)] == [True] * 4
