"""What a newcomer does in the first ten minutes: all processes are real, nothing is stubbed."""

import re
from collections.abc import Iterator

import pytest

from tests.product import Product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"))
    product.start()
    product.run("ingest", "examples/")
    yield product
    assert product.stop() == 0


@pytest.mark.parametrize("question", ["Qual o horário de atendimento?", "QUAL O HORARIO DE ATENDIMENTO"])
def test_a_question_is_answered_from_the_right_document(product: Product, question: str) -> None:
    answer = product.run("ask", question)
    assert "horario-de-atendimento.md" in answer
    assert "das 9h às 16h" in answer


def test_typing_errors_still_find_the_document(product: Product) -> None:
    assert "horario-de-atendimento.md" in product.run("ask", "qual orario de atendimemto")


def test_each_citation_is_the_literal_text_of_its_document(product: Product) -> None:
    with product.client(product.agent) as client:
        answer = client.post("/chat", json={"question": "Quanto custa a segunda via do cartão?"}).json()
        assert answer["citations"]
        for citation in answer["citations"]:
            text = client.get(f"/documents/{citation['document_id']}/text").json()["text"]
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert "R$ 12,00" in answer["answer"]


def test_what_the_documents_do_not_tell_is_said_so(product: Product) -> None:
    with product.client(product.agent) as client:
        answer = client.post("/chat", json={"question": "Quem descobriu o Brasil?"}).json()
    assert (answer["abstained"], answer["citations"]) == (True, [])


def test_the_same_documents_again_change_nothing(product: Product) -> None:
    product.run("ingest", "examples/")
    with product.client(product.ingestion) as client:
        jobs = client.get("/ingest", params={"limit": 6}).json()["items"]
    assert {job["outcome"] for job in jobs} == {"unchanged"}


@pytest.mark.parametrize("service", ["ingestion", "agent"])
def test_the_documentation_opens_without_the_internet(product: Product, service: str) -> None:
    with product.client(getattr(product, service)) as client:
        page = client.get("/docs")
        assert page.is_success
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert assets
        for asset in assets:
            assert "//" not in asset
            assert client.get(f"/{asset.lstrip('/')}").is_success
        assert client.get("/openapi.json").json()["paths"]


def test_everything_is_still_there_after_a_restart(product: Product) -> None:
    assert product.stop() == 0
    product.start()
    assert "das 9h às 16h" in product.run("ask", "Qual o horário de atendimento?")
