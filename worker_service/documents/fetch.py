"""Fetches a source somebody named, within bounds of size, time and redirects; guarded by `core.netguard`."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from core.errors import JobError
from core.netguard import AllowList, GuardedTransport, Resolver, check_url, resolve_by_system
from worker_service.retry_after import retry_after

MAX_FILENAME = 255
_HEADERS = {
    "User-Agent": "COGEP-Assist/1",
    "Accept": "text/html,application/pdf,text/*;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, identity",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({404, 410})
_FORBIDDEN = frozenset({401, 402, 403, 407, 451})
_TRANSIENT = frozenset({408, 425, 429})
_PIECE = 65_536
_GZIP = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one fetch: bytes (also unpacked), seconds in all, redirects, private hosts opened."""

    max_bytes: int = 25_000_000
    timeout_seconds: float = 30
    allowed_hosts: frozenset[str] = frozenset()
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the source sent. `filename` is a bare name to guess the format from, never a path to write to."""

    data: bytes
    media_type_declared: str | None
    filename: str | None
    final_url: str
    etag: str | None
    last_modified: str | None


async def fetch(url: str, *, limits: FetchLimits, resolver: Resolver = resolve_by_system) -> Fetched:
    """The bytes behind `url`, after at most `limits.max_redirects` redirects, each checked like the first.

    Raises JobError: `url_not_allowed`, `source_not_found`, `source_forbidden`, `source_refused`,
    `source_too_large`, `source_encoding`, `redirect_loop`; and, retryable, `source_timeout` and
    `source_unavailable` (with the `retry_after` the source asked for).
    """
    transport = GuardedTransport(AllowList(limits.allowed_hosts), resolver=resolver)
    timeout = httpx.Timeout(limits.timeout_seconds)
    try:
        async with (
            asyncio.timeout(limits.timeout_seconds),
            httpx.AsyncClient(
                transport=transport, trust_env=False, timeout=timeout, headers=_HEADERS
            ) as client,
        ):
            return await _follow(client, url, limits)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise JobError("source_timeout", "The source took too long to answer.", retryable=True) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise JobError("url_not_allowed", "This address is not allowed: it cannot be understood.") from error
    except (httpx.HTTPError, OSError, zlib.error) as error:
        raise _unavailable("The source could not be reached or broke the connection.") from error


async def _follow(client: httpx.AsyncClient, url: str, limits: FetchLimits) -> Fetched:
    allowed, seen = AllowList(limits.allowed_hosts), {url}
    for _ in range(limits.max_redirects + 1):
        check_url(
            url, allowed
        )  # before httpx, whose own complaint about a scheme would read as a broken line
        async with client.stream("GET", url, follow_redirects=False) as response:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                return await _accept(response, url, limits.max_bytes)
            url = _location(url, response)
        if url in seen:
            raise JobError("redirect_loop", "The source redirects in a circle.")
        seen.add(url)
    raise JobError("redirect_loop", f"The source redirects more than {limits.max_redirects} times.")


def _location(url: str, response: httpx.Response) -> str:
    try:
        return urljoin(url, response.headers["location"]).partition("#")[0]
    except ValueError as error:
        raise JobError(
            "url_not_allowed", "The source redirects to an address that cannot be understood."
        ) from error


async def _accept(response: httpx.Response, url: str, max_bytes: int) -> Fetched:
    _check_status(response)
    headers = response.headers
    if headers.get("content-length", "").isdigit() and int(headers["content-length"][:20]) > max_bytes:
        raise _too_large(max_bytes)
    data = bytearray()
    async for piece in _decoded(response, max_bytes):
        data += piece
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
    declared = headers.get("content-type")
    name = _filename(headers.get("content-disposition"), url)
    return Fetched(bytes(data), declared, name, url, headers.get("etag"), headers.get("last-modified"))


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _ABSENT:
        raise JobError("source_not_found", f"The source does not exist (HTTP {status}).")
    if status in _FORBIDDEN:
        raise JobError("source_forbidden", f"The source does not let us read it (HTTP {status}).")
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _unavailable(f"The source is not available now (HTTP {status}).", retry_after(response.headers))
    if not response.is_success:
        raise JobError("source_refused", f"The source refused the request (HTTP {status}).")


async def _decoded(response: httpx.Response, max_bytes: int) -> AsyncIterator[bytes]:
    """The body without its gzip coat, opened by small pieces: httpx would unpack a bomb at once."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in {"identity", ""}:
        async for piece in response.aiter_raw():
            yield piece
        return
    if coding not in {"gzip", "x-gzip"}:
        raise JobError("source_encoding", "The source sent a compression that was not asked for.")
    unpacker = zlib.decompressobj(_GZIP)
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        if received > max_bytes:
            raise _too_large(max_bytes)
        for unpacked in _unpack(unpacker, piece):
            yield unpacked
    yield unpacker.flush()
    if not unpacker.eof:
        raise _unavailable("The source broke off in the middle of its answer.")


def _unpack(unpacker: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    while piece:
        yield unpacker.decompress(piece, _PIECE)
        piece = unpacker.unconsumed_tail


def _filename(disposition: str | None, url: str) -> str | None:
    name = _named(disposition or "inline") or unquote(urlsplit(url).path)
    return PurePosixPath(name.replace("\\", "/")).name[-MAX_FILENAME:] or None


def _named(disposition: str) -> str | None:
    """The name a source gives its file; None when there is none that can be read."""
    message = Message()
    message["Content-Disposition"] = disposition
    try:
        return message.get_filename()
    except ValueError:  # also the absurd piece numbers and unknown encodings of RFC 2231
        return None


def _too_large(max_bytes: int) -> JobError:
    return JobError("source_too_large", f"The source is larger than {max_bytes} bytes.")


def _unavailable(detail: str, retry_after: float | None = None) -> JobError:
    return JobError("source_unavailable", detail, retryable=True, retry_after=retry_after)
