"""Meta's WhatsApp Cloud API: free text only within 24 hours of the client's last message.

It knows no idempotency key: a worker that dies after Meta's answer and before its own commit sends twice.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from core.channels import Secret
from core.errors import JobError
from core.matching import IdentityKind, Unmatchable, canonical
from core.settings import Settings
from worker_service.conversations.senders import http
from worker_service.conversations.senders.letter import Letter

GRAPH = "https://graph.facebook.com/v23.0"
WINDOW = timedelta(hours=24)
WINDOW_CLOSED = 131047
_LATER = frozenset({1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131056})
"""Meta's codes for "not now": rate limits, overload, a fault of theirs."""


class WhatsAppCloud:
    """Sends as the number of a channel account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, letter: Letter) -> str | None:
        """The `wamid`. Raises JobError; `window_closed` when only a template may be sent by now."""
        if datetime.now(UTC) - letter.last_inbound_at >= WINDOW:
            raise _window_closed()
        config = letter.channel.config
        url = f"{config.base_url or GRAPH}/{config.phone_number_id}/messages"
        token = letter.channel.secrets[Secret.ACCESS_TOKEN]
        response = await http.post(self._settings, url, {"Authorization": f"Bearer {token}"}, _body(letter))
        _check_error(response)
        return _id(http.check(response))


def _body(letter: Letter) -> dict[str, Any]:
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        _addressed_by(letter.recipient): letter.recipient,
        "type": "text",
        "text": {"preview_url": False, "body": letter.text},
        "biz_opaque_callback_data": str(letter.id),
    }
    return body | ({"context": {"message_id": letter.external_id}} if letter.external_id else {})


def _addressed_by(recipient: str) -> str:
    """A business-scoped user id is no number, and has a member of its own."""
    try:
        canonical(IdentityKind.WHATSAPP_USER, recipient)
    except Unmatchable:
        return "to"
    return "recipient"


def _check_error(response: httpx.Response) -> None:
    """What Meta's own code says more exactly than the HTTP status does."""
    if response.is_success:
        return
    try:
        code = int(response.json()["error"]["code"])
    except (ValueError, TypeError, LookupError):
        return
    if code == WINDOW_CLOSED:
        raise _window_closed()
    if code in _LATER:
        wait = http.retry_after(response)
        detail = f"WhatsApp cannot take it now (code {code})."
        raise JobError("channel_unavailable", detail, retryable=True, retry_after=wait)


def _window_closed() -> JobError:
    return JobError("window_closed", "The client last wrote more than 24 hours ago.")


def _id(answer: Any) -> str | None:
    try:
        return str(answer["messages"][0]["id"])
    except (TypeError, LookupError):
        return None
