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
# Never by a remembered position: a transaction that began first may commit last.
TAKE = """
SELECT id, public_id, type, subject, data::text, created_at, attempts FROM ops.outbox_events
WHERE due_at <= now() ORDER BY due_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""


class OutboxEvent(NamedTuple):
    """An event as it is told. `public_id` is the same each time it is: what to recognise a repeat by.

    `type` may be one this version does not know yet.
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


async def take(connection: Connection, *, limit: int) -> list[OutboxEvent]:
    """Due events, oldest first, held until the caller's transaction ends; those others hold are not seen."""
    return [OutboxEvent.of(row) for row in await connection.fetch(TAKE, limit)]


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
