"""Keyset pages: a cursor says after which key to go on, so that a page costs the same wherever it lies."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, Field

from core.errors import DomainError
from core.types import Model

T = TypeVar("T")
MAX_LIMIT = 100
_INT64 = 2**63


class Columns(Protocol):
    """A row of either database driver."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


Row = TypeVar("Row", bound=Columns)


class BadCursor(DomainError):
    """The cursor is not one this list gave out."""

    code = "bad_cursor"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PageQuery(Model):
    """The query of a list: extend it with filters and take it as `Annotated[XQuery, Query()]`."""

    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="how many items at most")
    cursor: str | None = Field(None, max_length=512, description="`next_cursor` of the page before")

    @property
    def before(self) -> int | None:
        """The key a list that is newest first goes on before. Raises BadCursor."""
        return None if self.cursor is None else int(decode_cursor(self.cursor, int)[0])


class Page(BaseModel, Generic[T]):
    """Some items, and where to go on; no `next_cursor` means that these were the last."""

    items: list[T]
    next_cursor: str | None = Field(None, description="pass it as `cursor` to get the next page")


def page_of(
    rows: Sequence[Row], limit: int, show: Callable[[Row], T], *, key: Sequence[str] = ("key",)
) -> Page[T]:
    """A page of the first `limit` rows. Ask the database for one more: it tells of a next page.

    `key` names the columns the list is ordered by, the cursor's parts.
    """
    shown = rows[:limit]
    more = encode_cursor(*(shown[-1][name] for name in key)) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next_cursor=more)


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
