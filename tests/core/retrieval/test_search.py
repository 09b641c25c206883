import random
import threading
from collections.abc import Sequence
from zlib import crc32

import pytest
from pgvector import HalfVector

from core.db import driver_connection
from core.embeddings.hashed_ngrams import HashedNgrams
from core.embeddings.protocol import unit
from core.errors import JobError
from core.retrieval.calibration import calibrate
from core.retrieval.embedding_models import ensure_model
from core.retrieval.queries import Filters
from core.retrieval.search import LONG_QUESTION, Retrieval, aside, retrieve
from tests.core.retrieval.library import Library

FERIAS = "O servidor tem direito a trinta dias de férias por ano. O pedido é feito no sistema."
MATRICULA = "A matrícula ocorre em fevereiro. Reuniões de orientação são marcadas pela secretaria."
HORARIO = "O atendimento ao público é das 8h às 17h, de segunda a sexta."


class Compass:
    """A model with two meanings, chosen by a word."""

    provider = "test"
    name = "compass"
    dimensions: int | None = 2

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        return [HalfVector([1, 0] if "férias" in text else [0, 1]) for text in texts]

    async def embed_query(self, text: str) -> HalfVector:
        return HalfVector([1, 0] if "descanso" in text else [0, 1])


class Broken(Compass):
    async def embed_query(self, text: str) -> HalfVector:
        assert text
        raise JobError("embedding_unavailable", "", retryable=True)


async def fill(library: Library, embedder: Compass | HashedNgrams) -> None:
    async with library.database.transaction() as session:
        model_id = await ensure_model(
            await driver_connection(session),
            namespace_id=library.namespace_id,
            provider=embedder.provider,
            name=embedder.name,
            dimensions=embedder.dimensions or 0,
        )
    for source, text in (("rh", FERIAS), ("alunos", MATRICULA), ("balcao", HORARIO)):
        vectors = await embedder.embed_passages([text])
        metadata = f'{{"setor": "{source}"}}'
        await library.add(source, [text], metadata=metadata, vectors=vectors, model_id=model_id)


async def ask(library: Library, question: str, embedder: Compass | HashedNgrams | None = None) -> Retrieval:
    return await retrieve(library.database, question, namespace="default", top_k=3, embedder=embedder)


@pytest.fixture
async def filled(library: Library) -> Library:
    await fill(library, HashedNgrams())
    return library


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("Quantos dias de férias tem o servidor?", "rh"),
        ("quantos dias de ferias tem o servidor", "rh"),
        ("qunatos dias de fereias tem o servdior", "rh"),
        ("quando é a reunião de orientação?", "alunos"),
        ("Qual o horário de atendimento?", "balcao"),
    ],
)
async def test_the_right_document_comes_first(filled: Library, question: str, source: str) -> None:
    found = await ask(filled, question, HashedNgrams())
    assert found.passages[0].source == source


async def test_a_passage_is_an_exact_span(filled: Library) -> None:
    (row,) = await filled.fetch("SELECT * FROM ai.document_versions WHERE canonical_text = $1", FERIAS)
    passage = (await ask(filled, "férias")).passages[0]
    assert passage.text == row["canonical_text"][passage.start : passage.end]
    assert (passage.version_id, passage.version) == (row["id"], 1)


async def test_accents_change_no_score(filled: Library) -> None:
    assert await ask(filled, "matrícula no horário") == await ask(filled, "matricula no horario")


@pytest.mark.parametrize("question", ["", "o que é isso?", "xilofone quântico", "!!!", "\u0301", "'\"\\:&|*"])
async def test_a_question_that_meets_nothing_finds_nothing(filled: Library, question: str) -> None:
    assert await ask(filled, question) == Retrieval([], 0.0)


async def test_an_unknown_namespace_is_empty(filled: Library) -> None:
    found = await retrieve(filled.database, "férias", namespace="outro", top_k=3, embedder=HashedNgrams())
    assert found.passages == []


async def test_namespaces_do_not_see_each_other(filled: Library) -> None:
    (row,) = await filled.fetch("INSERT INTO ai.namespaces (name) VALUES ('outro') RETURNING id")
    other = Library(filled.database, row["id"], "outro")
    await other.add("segredo", ["férias secretas"])
    assert "segredo" not in {p.source for p in (await ask(filled, "férias secretas")).passages}


async def test_coverage_tells_strangers_from_friends(filled: Library) -> None:
    friend = await ask(filled, "férias do servidor")
    stranger = await ask(filled, "dias de xilofone na fotossíntese marciana")
    assert friend.coverage > 0.8
    assert stranger.coverage < 0.4


async def test_meaning_finds_what_words_do_not(library: Library) -> None:
    await fill(library, Compass())
    found = await ask(library, "descanso remunerado", Compass())
    assert found.passages[0].source == "rh"
    assert found.passages[0].lexical == 0


async def test_words_decide_when_the_model_is_away(library: Library) -> None:
    await fill(library, Compass())
    found = await ask(library, "descanso de férias", Broken())
    assert [p.source for p in found.passages] == ["rh"]
    assert found.passages[0].dense is None


async def test_vectors_of_another_model_are_not_compared(library: Library) -> None:
    await fill(library, Compass())
    found = await ask(library, "férias", HashedNgrams())
    assert found.passages[0].dense is None


@pytest.mark.parametrize("embedder", [None, HashedNgrams()])
async def test_filters_confine(filled: Library, embedder: HashedNgrams | None) -> None:
    (document,) = await filled.fetch("SELECT * FROM ai.documents WHERE source = 'balcao'")
    question = "férias matrícula atendimento"
    for filters in (Filters(documents=[document["public_id"]]), Filters(metadata={"setor": "balcao"})):
        found = await retrieve(
            filled.database, question, namespace="default", top_k=9, embedder=embedder, filters=filters
        )
        assert [p.source for p in found.passages] == ["balcao"]


async def test_a_filter_without_match_finds_nothing(filled: Library) -> None:
    for filters in (Filters(documents=[]), Filters(metadata={"setor": "nenhum"})):
        found = await retrieve(
            filled.database, "férias", namespace="default", top_k=3, embedder=HashedNgrams(), filters=filters
        )
        assert found.passages == []


async def test_a_huge_question_is_answered(filled: Library) -> None:
    found = await ask(filled, "férias " * 20_000 + "palavra" * 50_000, HashedNgrams())
    assert found.passages[0].source == "rh"


async def test_a_random_leg_is_silenced(library: Library) -> None:
    class Dice(Compass):
        name = "dice"

        async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
            dice = [random.Random(crc32(text.encode())) for text in texts]
            return [unit([die.gauss(0, 1) for _ in range(16)]) for die in dice]

        async def embed_query(self, text: str) -> HalfVector:
            return (await self.embed_passages([text + "!"]))[0]

    dice = Dice()
    async with library.database.transaction() as session:
        model_id = await ensure_model(
            await driver_connection(session),
            namespace_id=library.namespace_id,
            provider=dice.provider,
            name=dice.name,
            dimensions=16,
        )
    for number in range(40):
        texts = [f"norma {number} do setor {number % 7}, item {item}. Texto comum." for item in range(3)]
        vectors = await dice.embed_passages(texts)
        await library.add(f"{number}", texts, header=f"Norma {number}", vectors=vectors, model_id=model_id)
    async with library.database.transaction() as session:
        weight = await calibrate(await driver_connection(session), namespace="default", embedder=dice)
    (row,) = await library.fetch("SELECT dense_weight FROM ai.namespaces")
    assert row["dense_weight"] == weight < 0.1


@pytest.mark.parametrize(("length", "is_here"), [(LONG_QUESTION, True), (LONG_QUESTION + 1, False)])
async def test_only_a_long_question_is_worth_a_thread(length: int, is_here: bool) -> None:
    where = await aside("x" * length, threading.get_ident)
    assert (where == threading.get_ident()) is is_here


async def test_a_long_question_finds_its_passage(filled: Library) -> None:
    question = "Gostaria de saber, por gentileza, qual é o horário de atendimento ao público. " * 5
    assert len(question) > LONG_QUESTION
    assert (await ask(filled, question, HashedNgrams())).passages[0].source == "balcao"
