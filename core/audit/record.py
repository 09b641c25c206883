"""What is written of an act, inside the transaction of the act: both happen, or neither does."""

import json
from collections.abc import Mapping
from types import MappingProxyType

import structlog
from pydantic import JsonValue

from core.audit import queries
from core.db import Connection

NOTHING: Mapping[str, JsonValue] = MappingProxyType({})


async def record(
    connection: Connection,
    *,
    actor: int | None,
    action: str,
    subject: str,
    data: Mapping[str, JsonValue] = NOTHING,
) -> None:
    """Append to the audit log, in the caller's transaction.

    `actor` is the principal's id, None when the system itself acts; `action` reads `ticket.assigned` and
    `subject` `ticket/<uuid>`. `data` holds ids and codes, never personal data: an entry cannot be erased.
    """
    await queries.insert_entry(connection, actor, action, subject, json.dumps(dict(data)), _request_id())


async def record_read(connection: Connection, *, principal: int, subject: str, what: str) -> None:
    """Note that somebody was shown personal data: `what` (`client`) of `subject` (`client/<uuid>`)."""
    await queries.insert_read(connection, principal, subject, what, _request_id())


def _request_id() -> str | None:
    """The request this happens in, as the access log has it."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found
