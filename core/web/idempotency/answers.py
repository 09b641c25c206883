"""Answers as they are kept: status, body and the headers that belong to it, sealed whole.

A body may show a person's data, or a secret that is shown once: at rest, only the field keys open it.
"""

import base64
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from fastapi.responses import Response

from core.vault import Vault

KEPT_HEADERS = ("content-type", "etag", "location")
NEVER_KEPT = HTTPStatus.TOO_MANY_REQUESTS
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: Response, body: bytes) -> Self:
        """The answer that `response` gives with this body."""
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        return cls(response.status_code, headers, body)

    @classmethod
    def opened(cls, sealed: bytes, vault: Vault, scope: bytes) -> Self:
        """The answer that was sealed in this scope. Raises Unreadable."""
        members = json.loads(vault.open(sealed, context=_context(scope)))
        return cls(members["status"], members["headers"], base64.b64decode(members["body"]))

    def sealed(self, vault: Vault, scope: bytes) -> bytes:
        """What may lie in the database."""
        body = base64.b64encode(self.body).decode()
        packed = json.dumps({"status": self.status, "headers": self.headers, "body": body})
        return vault.seal(packed.encode(), context=_context(scope))

    def replayed(self) -> Response:
        """The answer once more, marked as a repetition."""
        return Response(self.body, self.status, {**self.headers, REPLAYED: "true"})


def may_be_kept(status: int) -> bool:
    """Whether the same request would get the same answer again: a failure or a busy moment passes."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status != NEVER_KEPT


def _context(scope: bytes) -> str:
    return f"idempotency/{scope.hex()}"
