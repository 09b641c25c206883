import random
from collections.abc import Sequence
from zlib import crc32

from pgvector import HalfVector

from core.db import Database, driver_connection
from core.embeddings.protocol import unit
from core.retrieval.embedding_models import ensure_model
from tests.core.retrieval.library import Library
from worker_service.upkeep.calibration import calibrate_namespaces
from worker_service.upkeep.queries import session_lock


class Dice:
    """A provider whose vectors mean nothing."""

    provider = "openai_compatible"
    name = "dice"
    dimensions = 16

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        dice = [random.Random(crc32(text.encode())) for text in texts]
        return [unit([die.gauss(0, 1) for _ in range(16)]) for die in dice]

    async def embed_query(self, text: str) -> HalfVector:
        return (await self.embed_passages([text + "!"]))[0]

    async def aclose(self) -> None: ...


async def fill(database: Database, numbers: range) -> Library:
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await connection.execute("INSERT INTO ai.namespaces (name) VALUES ('default') ON CONFLICT DO NOTHING")
        space = await connection.fetchval("SELECT id FROM ai.namespaces")
        model = await ensure_model(
            connection, namespace_id=space, provider=Dice.provider, name=Dice.name, dimensions=16
        )
    library = Library(database, space)
    for number in numbers:
        texts = [f"norma {number} do setor {number % 7}, item {item}. Texto comum." for item in range(3)]
        vectors = await Dice().embed_passages(texts)
        await library.add(f"{number}", texts, header=f"Norma {number}", vectors=vectors, model_id=model)
    return library


async def test_a_leg_without_skill_is_silenced_and_tested_again_when_the_namespace_doubles(
    database: Database,
) -> None:
    library = await fill(database, range(24))
    assert await calibrate_namespaces(database, Dice()) == ["default"]
    (space,) = await library.fetch("SELECT dense_weight, calibrated_chunks FROM ai.namespaces")
    assert space["dense_weight"] < 0.2
    assert space["calibrated_chunks"] == 72
    assert await calibrate_namespaces(database, Dice()) == []
    await fill(database, range(24, 48))
    assert await calibrate_namespaces(database, Dice()) == ["default"]


async def test_two_beats_do_not_calibrate_at_once(database: Database) -> None:
    await fill(database, range(20))
    async with database.connection() as connection, session_lock(connection, "calibrate") as locked:
        assert locked
        assert await calibrate_namespaces(database, Dice()) == []
    assert await calibrate_namespaces(database, Dice()) == ["default"]
