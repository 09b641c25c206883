"""A change of a case is its row, its lease, its event and what others are told: all of it, or nothing."""

from dataclasses import replace
from uuid import UUID

from core.audit import record
from core.cases import queries
from core.cases.sealing import reason_context
from core.cases.standing import Held, Note, Standing
from core.db import Connection
from core.ids import uuid7
from core.models import CaseChange, CaseStatus, EventType
from core.models.case_states import CLOSED
from core.outbox import emit

EVENTS = {
    CaseChange.OPENED: EventType.CASE_OPENED,
    CaseChange.ASSIGNED: EventType.CASE_ASSIGNED,
    CaseChange.RELEASED: EventType.CASE_RELEASED,
    CaseChange.EXPIRED: EventType.CASE_EXPIRED,
    CaseChange.TRANSFERRED: EventType.CASE_TRANSFERRED,
    CaseChange.EXTENDED: EventType.CASE_EXTENDED,
}


async def put(connection: Connection, held: Held, after: Standing, note: Note) -> Held:
    """Write a held case as `after`, and what is noted of it; the case as it then is."""
    await queries.update_case(connection, held, after)
    return await noted(connection, held, after, note)


async def noted(connection: Connection, held: Held, after: Standing, note: Note) -> Held:
    """Write down what became of a case whose row says so already."""
    before = held.standing
    if before.owner is not None and after.token != before.token:
        await queries.end_lease(connection, held.key, held.at, note.end)
    if after.owner is not None and after.token != before.token:
        await queries.insert_lease(connection, held, after)
    return await told(connection, held, after, note, start=before.status)


async def told(
    connection: Connection, held: Held, after: Standing, note: Note, *, start: CaseStatus | None
) -> Held:
    """Append the event, and tell whoever reacts and the audit log."""
    event = uuid7()
    await queries.insert_event(connection, event, held, after, note, _reason(note, event), start=start)
    changed = replace(held, version=held.version + 1, standing=after)
    data: dict[str, int | str | None] = {
        "client_id": str(held.client),
        "version": changed.version,
        "status": after.status.value,
        "owner": after.owner,
        "token": after.token,
    }
    await emit(connection, _event_of(note.change, after), subject=held.id, data=data)
    await record(
        connection,
        actor=note.by.id,
        action=f"case.{note.change}",
        subject=f"case/{held.id}",
        data={**data},
    )
    return changed


def _reason(note: Note, event: UUID) -> bytes | None:
    if note.reason is None or note.vault is None:
        return None
    return note.vault.seal(note.reason.encode(), context=reason_context(event))


def _event_of(change: CaseChange, after: Standing) -> EventType:
    if after.status in CLOSED:
        return EventType.CASE_CLOSED
    return EVENTS.get(change, EventType.CASE_TRANSITIONED)
