"""One guarded POST to a messaging API: what its answer means for a letter."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from core.errors import JobError
from core.netguard import AllowList, GuardedTransport
from core.settings import Settings

SECONDS = 20.0
MOST_WAIT = 3_600.0
_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_UNAUTHORISED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


async def post(
    settings: Settings, url: str, headers: Mapping[str, str], body: Mapping[str, Any]
) -> httpx.Response:
    """The answer of the API, whatever its status. Raises JobError, retryable, when there is none."""
    transport = GuardedTransport(AllowList(settings.fetch_allowed_hosts))
    try:
        async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=SECONDS) as client:
            return await client.post(url, headers=dict(headers), json=dict(body))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        code = "channel_timeout" if isinstance(error, httpx.TimeoutException) else "channel_unreachable"
        raise JobError(code, "The messaging service did not answer.", retryable=True) from error


def check(response: httpx.Response) -> Any:
    """The JSON of a success; None when it is none. Raises JobError with what a refusal means."""
    status = response.status_code
    if response.is_success:
        with contextlib.suppress(ValueError):
            return response.json()
        return None
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise JobError(
            "channel_unavailable",
            f"The messaging service cannot take it now (HTTP {status}).",
            retryable=True,
            retry_after=retry_after(response),
        )
    code = "channel_credentials" if status in _UNAUTHORISED else "channel_refused"
    raise JobError(code, f"The messaging service refused the message (HTTP {status}).")


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, from RFC 9110's seconds or date, at most an hour; None when absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:10]), MOST_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), MOST_WAIT)
