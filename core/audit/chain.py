"""The chain: each entry's hash covers its content, its place and the hash before it. Pure.

Whoever holds a copy of the entries can check it with any SHA-256: see docs/reliability.md.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = bytes(32)
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, as it was recorded."""

    id: int
    recorded_at: datetime
    actor: int | None
    action: str
    subject: str
    data: dict[str, Any]
    request_id: str | None


def canonical(position: int, entry: Entry) -> bytes:
    """The entry at its place as one JSON array: sorted keys, no spaces, UTF-8, UTC with microseconds."""
    recorded_at = entry.recorded_at.astimezone(UTC).isoformat(timespec="microseconds")
    members = [
        position,
        entry.id,
        recorded_at,
        entry.actor,
        entry.action,
        entry.subject,
        entry.data,
        entry.request_id,
    ]
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(previous: bytes, position: int, entry: Entry) -> bytes:
    """The hash of the entry that stands at `position`, after one whose hash is `previous`."""
    return hashlib.sha256(previous + canonical(position, entry)).digest()
