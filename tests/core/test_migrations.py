import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from alembic import command
from core.db import Database
from core.migrations import ROOT, EnumDrift, SchemaOutdated, config, current, head, require_head, upgrade
from core.models import ENUMS
from ops.embedded import EphemeralServers, ephemeral_servers


@pytest.fixture
def empty_url(servers: EphemeralServers, request: pytest.FixtureRequest) -> str:
    name = f"empty_{abs(hash(request.node.nodeid))}"
    servers.postgres.create_database(name)
    return servers.postgres.url(name)


def test_models_and_migrations_agree(database_url: str) -> None:
    command.check(config(database_url))


def test_up_down_up(empty_url: str) -> None:
    upgrade(empty_url)
    command.downgrade(config(empty_url), "base")
    upgrade(empty_url)
    command.check(config(empty_url))


def test_the_oldest_supported_postgres_takes_the_same_schema() -> None:
    with ephemeral_servers(version=16) as old:
        upgrade(old.postgres.url())
        command.check(config(old.postgres.url()))


def test_upgrades_started_at_once_do_not_collide(empty_url: str) -> None:
    script = f"from core.migrations import upgrade; upgrade({empty_url!r})"
    with ThreadPoolExecutor(3) as pool:
        runs = [
            pool.submit(subprocess.run, [sys.executable, "-c", script], cwd=ROOT, check=True)
            for _ in range(3)
        ]
        assert [run.result().returncode for run in runs] == [0, 0, 0]
    command.check(config(empty_url))


async def test_database_enums_are_the_python_enums(database: Database) -> None:
    for (schema, name), members in ENUMS.items():
        async with database.transaction() as session:
            labels = await session.scalar(text(f"SELECT enum_range(NULL::{schema}.{name})::text[]"))
        assert labels == [member.value for member in members]


async def test_leftover_equal_types_are_taken_over(empty_url: str) -> None:
    await _create_status_type(empty_url, "'PENDING', 'PROCESSING', 'COMPLETED', 'FAILED'")
    await asyncio.to_thread(upgrade, empty_url)


async def test_missing_labels_are_added(empty_url: str) -> None:
    await _create_status_type(empty_url, "'PENDING', 'PROCESSING'")
    await asyncio.to_thread(upgrade, empty_url)


async def test_drifted_types_fail_loudly(empty_url: str) -> None:
    await _create_status_type(empty_url, "'todo', 'done'")
    with pytest.raises(EnumDrift, match="todo"):
        await asyncio.to_thread(upgrade, empty_url)


async def test_an_older_schema_is_refused_with_the_command_to_run(empty_url: str) -> None:
    database = Database(empty_url)
    assert await current(database) is None
    with pytest.raises(SchemaOutdated, match="cogep migrate"):
        await require_head(database)
    await asyncio.to_thread(upgrade, empty_url)
    await require_head(database)
    assert await current(database) == head()
    await database.dispose()


async def _create_status_type(url: str, labels: str) -> None:
    database = Database(url)
    async with database.transaction() as session:
        await session.execute(text("CREATE SCHEMA ai"))
        await session.execute(text(f"CREATE TYPE ai.ingestion_status AS ENUM ({labels})"))
    await database.dispose()
