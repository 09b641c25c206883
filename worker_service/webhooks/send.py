"""One call of a receiver: signed, guarded, bounded. Only the status of its answer counts."""

import asyncio
import json
import time
from http import HTTPStatus
from typing import NamedTuple

import httpx

from core.errors import JobError
from core.netguard import AllowList, GuardedTransport
from core.vault import Unreadable, Vault
from core.webhooks import check_address, secret_context, signatures
from worker_service.retry_after import retry_after
from worker_service.webhooks.queries import Parcel

GONE = "gone"


class Outcome(NamedTuple):
    """What came of a call. No `error_code`: the receiver took it. `retry_after` is in seconds."""

    status_code: int | None
    error_code: str | None
    retry_after: float | None = None


class Sender:
    """Calls receivers; belongs to one event loop."""

    def __init__(self, vault: Vault, *, allowed_hosts: frozenset[str], timeout_seconds: float) -> None:
        self._vault = vault
        self._allowed = AllowList(allowed_hosts)
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(self._allowed),
            trust_env=False,
            timeout=timeout_seconds,
            headers={
                "User-Agent": "COGEP-Assist/1",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def send(self, parcel: Parcel) -> Outcome:
        """Call once; whatever goes wrong is an outcome."""
        try:
            check_address(parcel.url, self._allowed)
            body = payload(parcel)
            headers = self._headers(parcel, body)
            async with asyncio.timeout(self._timeout):
                return await self._post(parcel.url, headers, body)
        except Unreadable:
            return Outcome(None, "secret_unreadable")
        except JobError as error:
            return Outcome(None, "host_not_found" if error.retryable else error.code)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(None, "timeout")
        except httpx.ConnectError:
            return Outcome(None, "unreachable")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError):
            return Outcome(None, "broken_answer")

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        """Not a byte of the answer's body is read: it may be endless, and it says nothing to us."""
        async with self._client.stream(
            "POST", url, headers=headers, content=body, follow_redirects=False
        ) as response:
            return _judged(response)

    def _headers(self, parcel: Parcel, body: bytes) -> dict[str, str]:
        context, now = secret_context(parcel.subscription), int(time.time())
        keys = [self._vault.open(sealed, context=context) for sealed in parcel.secrets]
        message = str(parcel.event)
        return {
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(keys, message, now, body),
        }


def payload(parcel: Parcel) -> bytes:
    """The body: the same bytes at every attempt."""
    told = {"type": parcel.type, "timestamp": parcel.created_at.isoformat(), "data": parcel.data}
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


def _judged(response: httpx.Response) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome(status, None)
    if response.is_redirect:
        return Outcome(status, "redirected")
    if status == HTTPStatus.GONE:
        return Outcome(status, GONE)
    return Outcome(status, "refused", retry_after(response.headers))
