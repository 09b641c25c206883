"""The hash chain of a client's decisions. Pure, and simple enough to be checked by a stranger with sha256sum.

Each row is hashed as one JSON document, which holds ids and no personal data, and the hash before it.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

GENESIS = bytes(32)
"""What the first row of a ledger follows."""


class Link(NamedTuple):
    """A row of a ledger, as it is hashed. `prev` is the hash of the client's row before."""

    id: UUID
    client: UUID
    seq: int
    purpose: str
    action: str
    cause: str
    notice: UUID
    notice_sha256: bytes
    channel: str
    event: UUID | None
    evidence: bytes | None
    actor: int | None
    at: datetime
    prev: bytes

    def payload(self) -> str:
        """The canonical JSON: sorted names, no spaces, hexadecimal hashes, UTC with microseconds."""
        return json.dumps(
            {name: _plain(value) for name, value in self._asdict().items()},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def hash(self) -> bytes:
        """SHA-256 of the payload in UTF-8."""
        return hashlib.sha256(self.payload().encode()).digest()


def evidence_digest(salt: bytes, evidence: bytes) -> bytes:
    """What the ledger keeps of an evidence: provable while the salt is there, nobody's after."""
    return hashlib.sha256(salt + evidence).digest()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
