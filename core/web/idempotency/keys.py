"""What makes two requests the same: who asks, of which route, under which key, and with which body.

Only HMACs of it are stored: a key may hold an order number, a body a CPF.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from core.access import Principal
from core.errors import DomainError
from core.vault import Vault

HEADER = "Idempotency-Key"
PATTERN = r"^[\x21-\x7e]{1,200}$"
_SHAPE = re.compile(PATTERN)


class IdempotencyKeyReused(DomainError):
    """The `Idempotency-Key` was used before, for another request."""

    code = "idempotency_key_reused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyKeyMalformed(DomainError):
    """The `Idempotency-Key` is not 1 to 200 printable ASCII characters without spaces, given once."""

    code = "idempotency_key_malformed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyInFlight(DomainError):
    """The first request with this `Idempotency-Key` is still at work; try again after `Retry-After`."""

    code = "idempotency_in_flight"
    status = HTTPStatus.CONFLICT

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("the first request with this key is still at work")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that carries a key: `scope` says which one it is, `request` what it asks."""

    scope: bytes
    request: bytes

    @property
    def lock(self) -> int:
        """The advisory lock of whoever is at work on it."""
        return int.from_bytes(self.scope[:8], signed=True)

    @property
    def retry_id(self) -> str:
        """The same for every try of this request, and for no other one."""
        return f"{self.scope.hex()}-{self.request.hex()[:16]}"


def presented(request: Request) -> str | None:
    """The request's key, None without one. Raises IdempotencyKeyMalformed."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _SHAPE.fullmatch(given[0]):
        raise IdempotencyKeyMalformed("a key is 1 to 200 printable ASCII characters, without spaces, once")
    return given[0]


async def claim(
    request: Request, route: str, key: str, principal: Principal, vault: Vault, *, has_body: bool
) -> Claim:
    """The claim of a request whose body, if the route has one, was read."""
    place = [principal.id, route, sorted(request.path_params.items()), key]
    body = await _body(request) if has_body else None
    asked = [sorted(request.query_params.multi_items()), body]
    return Claim(
        vault.digest("idempotency-scope", _packed(place)), vault.digest("idempotency-request", _packed(asked))
    )


async def _body(request: Request) -> Any:
    if request.headers.get("content-type", "").startswith("multipart/"):
        return [[name, await _field(value)] for name, value in (await request.form()).multi_items()]
    return await request.json() if await request.body() else None


async def _field(value: UploadFile | str) -> Any:
    if isinstance(value, str):
        return value
    content = await value.read()
    await value.seek(0)
    return [value.filename, value.content_type, hashlib.sha256(content).hexdigest()]


def _packed(value: Any) -> bytes:
    """One form for equal documents, whatever the order of their members."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
