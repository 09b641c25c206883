import asyncio
from collections.abc import Callable

import pytest

from core.consents import current_notice
from core.db import Database
from tests.core.consents.people import People, tamper
from tests.ops.stub_product import Product

Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def ledger(database_url: str, product: Product, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A ledger of two decisions, and a way to it past its triggers."""
    assert product
    monkeypatch.setenv("DATABASE_URL", database_url)
    asyncio.run(_fill(database_url))

    def change(statement: str) -> None:
        asyncio.run(_change(database_url, statement))

    return change


async def _fill(url: str) -> None:
    database = Database(url)
    people = People(database)
    async with database.connection() as connection:
        notice = await current_notice(connection, "LGPD_V1")
    assert notice is not None
    client = await people.new()
    await people.agrees(client, notice)
    await people.refuses(client, notice)
    await database.dispose()


async def _change(url: str, statement: str) -> None:
    database = Database(url)
    await tamper(database, statement)
    await database.dispose()


def test_a_sound_ledger(ledger: Callable[[str], None], cogep: Run, capsys: Captured) -> None:
    assert ledger
    assert cogep("consents", "verify") == 0
    said = capsys.readouterr().out
    assert said.startswith("Íntegro: 2 decisão(ões) de 1 cliente(s) conferida(s).\nResumo: ")


def test_a_violated_ledger(ledger: Callable[[str], None], cogep: Run, capsys: Captured) -> None:
    ledger("UPDATE crm.consents SET action = 'GRANT'")
    assert cogep("consents", "verify") == 1
    said = capsys.readouterr().err
    assert "foi alterada" in said
    assert "VIOLADO: 1 falha(s) em 2 decisão(ões)." in said
