import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core import audit
from core.audit.sealing import seal
from core.db import Database
from tests.ops.stub_product import Product

Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def log(database_url: str, product: Product, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A log of three acts, and a way to it past its triggers."""
    assert product
    monkeypatch.setenv("DATABASE_URL", database_url)

    def change(statement: str) -> None:
        asyncio.run(_change(database_url, statement))

    asyncio.run(_fill(database_url))
    return change


async def _fill(url: str) -> None:
    database = Database(url, pool_size=1)
    async with database.connection() as connection:
        for _ in range(3):
            await audit.record(connection, actor=1, action="a.b", subject="c")
    await seal(database)
    await database.dispose()


async def _change(url: str, statement: str) -> None:
    database = Database(url, pool_size=1)
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER ALL")
        await connection.execute(statement)
    await database.dispose()


def test_a_sound_log(log: Callable[[str], None], cogep: Run, capsys: Captured) -> None:
    assert log
    assert cogep("audit", "verify") == 0
    assert capsys.readouterr().out == "Íntegro: 3 registro(s) conferido(s), 0 à espera do selo.\n"


def test_a_violated_log(log: Callable[[str], None], cogep: Run, capsys: Captured) -> None:
    log("UPDATE ops.audit_log SET actor = 2 WHERE id = 2")
    assert cogep("audit", "verify") == 1
    assert "VIOLADO na posição 2: registro 2 foi alterado. Os 1" in capsys.readouterr().err


def test_a_log_that_is_not_the_one_kept(
    log: Callable[[str], None], cogep: Run, capsys: Captured, tmp_path: Path
) -> None:
    assert log
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps({"position": 2, "hash": "00" * 32}))
    assert cogep("audit", "verify", "--head", str(kept)) == 1
    assert "a cadeia foi refeita ou cortada" in capsys.readouterr().err
    kept.write_text("{}")
    assert cogep("audit", "verify", "--head", str(kept)) == 1
    assert "não é um fim guardado" in capsys.readouterr().err


def test_the_head_comes_from_the_api(product: Product, cogep: Run, capsys: Captured) -> None:
    product.on("GET /audit/head", (200, {"position": 3, "hash": "ab"}))
    assert cogep("audit", "head") == 0
    assert json.loads(capsys.readouterr().out) == {"position": 3, "hash": "ab"}
