import asyncio
import random

import pytest
from pgvector import HalfVector

from core.db import driver_connection
from core.errors import JobError
from core.retrieval.chunks import delete_chunks, list_vectors
from core.retrieval.embedding_models import ensure_model
from core.retrieval.index import content_hash
from tests.core.retrieval.library import Library

WORDS = "prazo matrícula férias contrato servidor licença edital recurso salário horário".split()


async def model(library: Library, name: str = "m", dimensions: int = 2) -> int:
    async with library.database.transaction() as session:
        return await ensure_model(
            await driver_connection(session),
            namespace_id=library.namespace_id,
            provider="test",
            name=name,
            dimensions=dimensions,
        )


async def test_statistics_follow_the_chunks(library: Library) -> None:
    await library.add("um", ["prazo de matrícula", "prazo de férias"])
    assert await library.statistics() == (2, 4, {"praz": 2, "matricul": 1, "fer": 1})
    assert await library.statistics() == await library.counted()


async def test_a_new_version_takes_the_old_words_out(library: Library) -> None:
    await library.add("um", ["prazo de matrícula", "prazo de férias"])
    await library.add("um", ["contrato"])
    assert await library.statistics() == (1, 1, {"contrat": 1})


async def test_a_deleted_document_leaves_nothing(library: Library) -> None:
    document = await library.add("um", ["prazo de matrícula"])
    async with library.database.transaction() as session:
        await delete_chunks(
            await driver_connection(session), namespace_id=library.namespace_id, document_id=document["id"]
        )
    assert await library.statistics() == (0, 0, {})


async def test_statistics_are_exact_under_concurrent_workers(library: Library) -> None:
    chance = random.Random(7)

    async def work(worker: int) -> None:
        for round_ in range(6):
            texts = [" ".join(chance.choices(WORDS, k=6)) for _ in range(chance.randint(1, 5))]
            await library.add(f"{worker}-{round_ % 2}", texts)

    await asyncio.gather(*(work(worker) for worker in range(6)))
    assert await library.statistics() == await library.counted()


async def test_a_rolled_back_document_leaves_no_trace(library: Library) -> None:
    model_id = await model(library)
    with pytest.raises(JobError) as refused:
        await library.add("um", ["prazo"], vectors=[HalfVector([1, 0, 0])], model_id=model_id)
    assert refused.value.code == "embedding_dimension_mismatch"
    assert await library.statistics() == (0, 0, {})


async def test_the_text_is_the_span(library: Library) -> None:
    await library.add("um", ["Ação 👍 é", "segundo"])
    rows = await library.fetch("SELECT * FROM ai.chunks JOIN ai.document_versions v ON v.id = version_id")
    assert [row["body"] for row in rows] == ["Ação 👍 é", "segundo"]
    assert all(r["canonical_text"][r["start_offset"] : r["end_offset"]] == r["body"] for r in rows)


async def test_vectors_are_found_again_by_content(library: Library) -> None:
    model_id = await model(library)
    vectors = [HalfVector([1, 0]), HalfVector([0, 1])]
    document = await library.add("um", ["a b", "c d"], header="T", vectors=vectors, model_id=model_id)
    async with library.database.transaction() as session:
        found = await list_vectors(
            await driver_connection(session), document_id=document["id"], model_id=model_id
        )
    assert found == {content_hash("T", "a b"): vectors[0], content_hash("T", "c d"): vectors[1]}


async def test_a_model_is_registered_once(library: Library) -> None:
    assert await model(library) == await model(library)
    assert len(await library.fetch("SELECT FROM ai.embedding_models")) == 1


async def test_models_are_never_mixed(library: Library) -> None:
    first = await model(library)
    await library.add("um", ["a b"], vectors=[HalfVector([1, 0])], model_id=first)
    with pytest.raises(JobError) as refused:
        await model(library, "another")
    assert refused.value.code == "embedding_model_mismatch"


async def test_a_namespace_without_vectors_may_change_its_model(library: Library) -> None:
    await model(library)
    second = await model(library, "another")
    (row,) = await library.fetch("SELECT embedding_model_id FROM ai.namespaces")
    assert row["embedding_model_id"] == second


async def test_vectors_bind_a_namespace_that_was_bound_to_another_model_meanwhile(library: Library) -> None:
    first = await model(library)
    await model(library, "another")
    await library.add("um", ["a b"], vectors=[HalfVector([1, 0])], model_id=first)
    (row,) = await library.fetch("SELECT embedding_model_id FROM ai.namespaces")
    assert row["embedding_model_id"] == first


async def test_vectors_of_a_model_are_refused_where_another_was_quicker(library: Library) -> None:
    first = await model(library)
    second = await model(library, "another")
    await library.add("um", ["a b"], vectors=[HalfVector([1, 0])], model_id=second)
    with pytest.raises(JobError) as refused:
        await library.add("dois", ["c d"], vectors=[HalfVector([1, 0])], model_id=first)
    assert refused.value.code == "embedding_model_mismatch"
    assert await library.statistics() == await library.counted()
