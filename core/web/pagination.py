"""Keyset pages: a cursor says after which key to go on, so that a page costs the same wherever it lies."""

import base64
import binascii
import json
from http import HTTPStatus
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from core.errors import DomainError
from core.types import Model

T = TypeVar("T")
MAX_LIMIT = 100
_INT64 = 2**63


class BadCursor(DomainError):
    """The cursor is not one this list gave out."""

    code = "bad_cursor"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PageQuery(Model):
    """The query of a list: extend it with filters and take it as `Annotated[XQuery, Query()]`."""

    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="how many items at most")
    cursor: str | None = Field(None, max_length=512, description="`next_cursor` of the page before")


class Page(BaseModel, Generic[T]):
    """Some items, and where to go on; no `next_cursor` means that these were the last."""

    items: list[T]
    next_cursor: str | None = Field(None, description="pass it as `cursor` to get the next page")


def encode_cursor(*key: int | str) -> str:
    """An opaque cursor that goes on after `key`."""
    packed = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type[int] | type[str]) -> tuple[int | str, ...]:
    """The key inside a cursor, of exactly these types. Raises BadCursor."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError):
        raise _bad() from None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        raise _bad()
    if any(not _storable(part) for part in key) or encode_cursor(*key) != cursor:
        raise _bad()
    return tuple(key)


def _storable(part: int | str) -> bool:
    if isinstance(part, int):
        return 0 <= part < _INT64
    return part.isprintable()


def _bad() -> BadCursor:
    return BadCursor("this cursor was not given out by this list", pointer="/query/cursor")
