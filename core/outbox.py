"""The outbox: what happened is written with the work itself, and told by the worker after the commit.

Told at least once, in no promised order. Events carry ids, never what a person wrote or is called.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import UUID

from asyncpg import Record

from core.db import Connection
from core.ids import uuid7
from core.models import EventType

CHANNEL = "cogep_outbox"
"""What a trigger notifies when an event is committed (migration 0007)."""

Datum: TypeAlias = "UUID | int | str | Sequence[UUID] | None"
Data: TypeAlias = Mapping[str, Datum]

# Our own words, such as a status: no address, telephone number, CPF or full name looks like one.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}")

EMIT = """
INSERT INTO ops.outbox_events (public_id, type, subject, data) VALUES ($1, $2, $3, $4::text::jsonb)
"""
# Never by a remembered position: a transaction that began first may commit last. An event somebody failed on
# is taken alone, so that one that kills its process takes no neighbours along.
TAKE = """
WITH due AS MATERIALIZED (
    SELECT id, attempts, due_at FROM ops.outbox_events
    WHERE due_at <= now() ORDER BY due_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), first AS (
    SELECT id, attempts FROM due ORDER BY due_at, id LIMIT 1
)
UPDATE ops.outbox_events e
SET attempts = least(e.attempts + 1, $2),
    due_at = CASE WHEN e.attempts < $2 THEN now() + 5 * 2 ^ least(e.attempts, 7) * interval '1 second' END,
    error_code = CASE WHEN e.attempts < $2 THEN e.error_code ELSE 'relay_died' END
FROM due, first
WHERE e.id = due.id AND CASE WHEN first.attempts > 0 THEN due.id = first.id ELSE due.attempts = 0 END
RETURNING e.id, e.public_id, e.type, e.subject, e.data::text, e.created_at, due.attempts
"""
HOLD = """
SELECT id FROM ops.outbox_events
WHERE id = ANY($1::bigint[]) AND due_at IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED
"""


class OutboxEvent(NamedTuple):
    """An event as it is told. `public_id` is the same each time it is: what to recognise a repeat by.

    `type` may be one this version does not know yet. `attempts` are those that failed before.
    """

    id: int
    public_id: UUID
    type: str
    subject: UUID
    data: dict[str, Any]
    created_at: datetime
    attempts: int

    @classmethod
    def of(cls, row: Record) -> Self:
        """A row of TAKE."""
        return cls(**{**row, "data": json.loads(row["data"])})


async def emit(connection: Connection, type: EventType | str, *, subject: UUID, data: Data) -> UUID:  # noqa: A002 - the word of the contract
    """Write an event into the caller's transaction; its id. It is told if that transaction commits.

    Raises ValueError for a type that is not registered, and for data that is not ids or words of ours.
    """
    event = uuid7()
    await connection.execute(EMIT, event, EventType(type).value, subject, packed(data))
    return event


async def take(connection: Connection, *, limit: int, most: int) -> list[OutboxEvent]:
    """Due events, oldest first; those others hold are not seen. Each is an attempt from the commit on.

    They are ours for 5 s, or longer after each failure; within that, `hold` them. One that had `most`
    attempts is given up by this, and is among them for the last time.
    """
    return sorted(OutboxEvent.of(row) for row in await connection.fetch(TAKE, limit, most))


async def hold(connection: Connection, events: Sequence[OutboxEvent]) -> list[OutboxEvent]:
    """Those of `events` that are still to be told, held until the caller's transaction ends."""
    held = {row["id"] for row in await connection.fetch(HOLD, [event.id for event in events])}
    return [event for event in events if event.id in held]


def packed(data: Data) -> str:
    """The JSON of an event's data. Raises ValueError where it holds more than ids and words of ours."""
    for name, value in data.items():
        values = value if isinstance(value, list | tuple) else [value]
        if not all(_is_harmless(item) for item in values):
            raise ValueError(f"`{name}` of an event is neither an id nor a word of ours")
    return json.dumps(data, default=str)


def _is_harmless(value: object) -> bool:
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return bool(_WORD.fullmatch(value)) or _is_uuid(value)
    return value is None or isinstance(value, UUID | int | StrEnum)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
