import hashlib

import pytest

from core.consents import FaultCode, NoticeVersion, verify
from core.consents.chain import GENESIS
from core.consents.verification import OF_ALL, link_of
from core.db import Connection, Database
from tests.core.consents.people import People, tamper

MIDDLE = "(SELECT id FROM crm.consents ORDER BY id OFFSET 1 LIMIT 1)"
LAST = "(SELECT max(id) FROM crm.consents)"
COPY = (
    "INSERT INTO crm.consents (public_id, client_id, seq, purpose, action, cause, notice_id, notice_sha256,"
    " channel, event_id, evidence_digest, principal_id, decided_at, prev_hash, hash)"
    " SELECT gen_random_uuid(), client_id, seq + {more}, purpose, action, cause, notice_id, notice_sha256,"
    " channel, event_id, evidence_digest, principal_id, decided_at, hash, hash FROM crm.consents WHERE id = "
    + LAST
)
TAMPERS = {
    "another decision": (f"UPDATE crm.consents SET action = 'GRANT' WHERE id = {MIDDLE}", "altered"),
    "another time": (
        f"UPDATE crm.consents SET decided_at = decided_at - interval '1 day' WHERE id = {MIDDLE}",
        "altered",
    ),
    "another person": (
        "UPDATE crm.consents SET client_id = (SELECT max(id) FROM crm.clients), seq = 9 WHERE id = " + MIDDLE,
        "broken",
    ),
    "another actor": (f"UPDATE crm.consents SET principal_id = 7 WHERE id = {LAST}", "altered"),
    "a row taken out": (f"DELETE FROM crm.consents WHERE id = {MIDDLE}", "broken"),
    "the end cut off": (f"DELETE FROM crm.consents WHERE id = {LAST}", "head_differs"),
    "all but the head taken out": ("DELETE FROM crm.consents", "head_differs"),
    "the head taken out": ("DELETE FROM crm.consent_heads", "head_differs"),
    "a row slipped in": (COPY.format(more=1), "altered"),
    "two rows in each other's place": (
        (
            "UPDATE crm.consents SET seq = CASE seq WHEN 1 THEN -2 WHEN 2 THEN -1 ELSE seq END;"
            " UPDATE crm.consents SET seq = abs(seq)"
        ),
        "broken",
    ),
    "another hash": (f"UPDATE crm.consents SET hash = sha256('x') WHERE id = {MIDDLE}", "altered"),
    "another text of the notice": (
        (
            "ALTER TABLE crm.notices DROP CONSTRAINT ck_notices_sha256_of_body;"
            " UPDATE crm.notices SET body = body || ' e publicidade'"
        ),
        "notice_altered",
    ),
}


@pytest.fixture
async def ledger(people: People, notice: NoticeVersion) -> int:
    client = await people.new()
    for says in (people.agrees, people.refuses, people.agrees):
        await says(client, notice, actor=3)
    await people.agrees(await people.new(), notice)
    await people.new()
    return client


async def test_an_untouched_ledger_is_intact(connection: Connection, ledger: int) -> None:
    found = await verify(connection)
    assert (found.rows, found.clients, found.faults) == (4, 2, [])
    client = await connection.fetchval("SELECT public_id FROM crm.clients WHERE id = $1", ledger)
    alone = await verify(connection, client)
    assert (alone.rows, alone.clients, alone.intact) == (3, 1, True)
    assert alone.digest != found.digest
    assert (await verify(connection)).digest == found.digest


@pytest.mark.parametrize("name", TAMPERS)
@pytest.mark.usefixtures("ledger")
async def test_no_tampering_goes_unseen(database: Database, connection: Connection, name: str) -> None:
    statements, code = TAMPERS[name]
    await tamper(database, *statements.split(";"))
    found = await verify(connection)
    assert not found.intact
    assert FaultCode(code) in {fault.code for fault in found.faults}


@pytest.mark.usefixtures("ledger")
async def test_a_ledger_taken_out_whole_is_missed_by_the_audit_log(
    database: Database, connection: Connection
) -> None:
    await tamper(database, "DELETE FROM crm.consents", "DELETE FROM crm.consent_heads")
    found = await verify(connection)
    assert (found.rows, found.digest) == (0, GENESIS)
    assert [fault.code for fault in found.faults] == [FaultCode.MISSING] * 4


async def test_a_consent_made_up_with_its_right_hash_is_not_in_the_audit_log(
    database: Database, connection: Connection, people: People, notice: NoticeVersion
) -> None:
    await people.refuses(client := await people.new(), notice)
    (row,) = await connection.fetch(OF_ALL)
    forged = link_of(row)._replace(action="GRANT").hash().hex()
    await tamper(
        database,
        f"UPDATE crm.consents SET action = 'GRANT', hash = decode('{forged}', 'hex')",
        f"UPDATE crm.consent_heads SET hash = decode('{forged}', 'hex')",
    )
    assert await people.stands(client) == "GRANT"
    found = await verify(connection)
    assert {fault.code for fault in found.faults} == {FaultCode.UNRECORDED, FaultCode.MISSING}


@pytest.mark.usefixtures("ledger")
async def test_a_stranger_can_check_a_row_with_sha256sum(connection: Connection) -> None:
    for row in await connection.fetch(OF_ALL):
        assert hashlib.sha256(link_of(row).payload().encode()).digest() == row["hash"]
