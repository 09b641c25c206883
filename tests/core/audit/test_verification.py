import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core import audit
from core.audit import verification
from core.audit.head import sign
from core.audit.queries import Head, get_head
from core.audit.sealing import seal
from core.audit.verification import Break, Fault, verify
from core.db import Database
from core.settings import Settings
from core.vault import Vault

ENTRIES = 7


@pytest.fixture(autouse=True)
async def _chain(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "BATCH", 3)
    async with database.connection() as connection, connection.transaction():
        for number in range(1, ENTRIES + 1):
            await audit.record(
                connection,
                actor=number,
                action="client.merged",
                subject=f"client/{number}",
                data={"n": number},
            )
    await seal(database)


async def behind_its_back(database: Database, *statements: str) -> None:
    """As whoever owns the table can: triggers off, then on again."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER ALL")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("ALTER TABLE ops.audit_log ENABLE TRIGGER ALL")


async def test_an_untouched_chain_holds(database: Database) -> None:
    verdict = await verify(database)
    assert (verdict.checked, verdict.first_break) == (ENTRIES, None)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 99",
        "action = 'client.erased'",
        "subject = 'client/99'",
        """data = '{"n": 99}'""",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "request_id = 'x'",
        "hash = sha256('')",
    ],
)
async def test_a_changed_entry_is_found(database: Database, change: str) -> None:
    await behind_its_back(database, f"UPDATE ops.audit_log SET {change} WHERE id = 4")
    verdict = await verify(database)
    assert (verdict.checked, verdict.first_break) == (3, Break(Fault.ALTERED, 4, 4))


async def test_a_removed_entry_is_found(database: Database) -> None:
    await behind_its_back(database, "DELETE FROM ops.audit_log WHERE id = 4")
    assert (await verify(database)).first_break == Break(Fault.REMOVED, 4, 5)


@pytest.mark.parametrize("kept", [0, 3, 6])
async def test_a_cut_off_end_is_found(database: Database, kept: int) -> None:
    await behind_its_back(database, f"DELETE FROM ops.audit_log WHERE id > {kept}")
    assert (await verify(database)).first_break == Break(Fault.CUT_OFF, kept + 1, None)


async def test_entries_that_changed_places_are_found(database: Database) -> None:
    await behind_its_back(
        database,
        "UPDATE ops.audit_log SET position = -position WHERE id IN (2, 5)",
        "UPDATE ops.audit_log SET position = 7 + position WHERE id IN (2, 5)",
    )
    assert (await verify(database)).first_break == Break(Fault.ALTERED, 2, 5)


async def test_an_entry_slipped_in_is_found(database: Database) -> None:
    await behind_its_back(
        database,
        "INSERT INTO ops.audit_log (action, subject, data, position, hash) VALUES ('a.b', 'c', '{}', 8, '')",
    )
    assert (await verify(database)).first_break == Break(Fault.NEVER_SEALED, 8, 8)


async def test_a_moved_or_missing_head_is_found(database: Database) -> None:
    await behind_its_back(database, "UPDATE ops.audit_head SET position = 9")
    assert (await verify(database)).first_break == Break(Fault.CUT_OFF, 8, None)
    await behind_its_back(database, "DELETE FROM ops.audit_head")
    assert (await verify(database)).first_break == Break(Fault.CUT_OFF, 1, None)


async def test_a_chain_forged_anew_does_not_hold_the_head_exported_before(database: Database) -> None:
    async with database.connection() as connection:
        exported = await get_head(connection)
    await behind_its_back(
        database,
        "UPDATE ops.audit_log SET position = NULL, hash = NULL",
        "UPDATE ops.audit_log SET actor = 99 WHERE id = 4",
        "UPDATE ops.audit_head SET position = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    await seal(database)
    assert (await verify(database)).first_break is None
    assert (await verify(database, known=exported)).first_break == Break(Fault.NOT_IN_CHAIN, 7, 7)
    later = Head(ENTRIES + 1, exported.hash)
    assert (await verify(database, known=later)).first_break == Break(Fault.NOT_IN_CHAIN, 8, None)


async def test_a_known_head_that_is_part_of_the_chain_is_fine(database: Database) -> None:
    async with database.connection() as connection:
        exported = await get_head(connection)
        async with connection.transaction():
            await audit.record(connection, actor=None, action="a.b", subject="c")
    await seal(database)
    assert (await verify(database, known=exported)).first_break is None


async def test_anybody_can_check_the_chain_with_sha256_alone(database: Database) -> None:
    """What docs/reliability.md promises, written without our code."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT *, data::text AS json FROM ops.audit_log ORDER BY position")
    previous = bytes(32)
    for row in rows:
        members: list[Any] = [
            row["position"],
            row["id"],
            row["recorded_at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"),
            row["actor"],
            row["action"],
            row["subject"],
            json.loads(row["json"]),
            row["request_id"],
        ]
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(previous + text.encode()).digest()
        assert previous == row["hash"]


def test_a_signed_head_is_checked_with_the_public_key_alone(settings: Settings) -> None:
    vault = Vault.of(settings)
    signed = sign(Head(3, bytes(32)), vault)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.public_key))
    public.verify(base64.b64decode(signed.signature), signed.message.encode())
    assert signed.position == 3
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signed.signature), replace(signed, position=4).message.encode())
