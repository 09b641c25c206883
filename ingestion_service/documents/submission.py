"""A document on its way in: what will be stored, and the hashes that recognise a repeat. Pure."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from core.ids import uuid7
from core.models import JobKind


@dataclass(frozen=True)
class Submission:
    """One document handed in by one principal. `blob` is what was handed in, when it is not an address."""

    principal_id: int
    kind: JobKind
    namespace: str
    source: str
    title: str | None
    metadata: dict[str, Any]
    priority: int
    run_at: datetime | None
    idempotency_key: str | None
    filename: str | None = None
    media_type: str | None = None
    blob: bytes | None = None
    public_id: UUID = field(default_factory=uuid7)

    @cached_property
    def blob_sha256(self) -> bytes | None:
        """The content's name in `ai.blobs`."""
        return None if self.blob is None else hashlib.sha256(self.blob).digest()

    @cached_property
    def request_sha256(self) -> bytes:
        """What the caller asked for; the same idempotency key with another hash is a mistake."""
        return _digest(*self._content, self.priority, self._when)

    @cached_property
    def dedupe_key(self) -> str:
        """The same for the same content of the same source by the same principal, wanted at the same time."""
        return _digest(self.principal_id, *self._content, self._when).hex()

    @property
    def place(self) -> tuple[str, str]:
        """The document that the content is of."""
        return self.namespace, self.source

    @property
    def _when(self) -> str | None:
        return self.run_at.isoformat() if self.run_at else None

    @property
    def _content(self) -> tuple[Any, ...]:
        blob = self.blob_sha256.hex() if self.blob_sha256 else None
        return (self.kind, self.namespace, self.source, self.title, self.metadata, self.filename, blob)


def text_source(text: str) -> str:
    """The name of a text that was given none: the same text is the same document."""
    return f"text:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _digest(*parts: Any) -> bytes:
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()
