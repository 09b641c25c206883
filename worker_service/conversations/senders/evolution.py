"""Evolution API, the second way to WhatsApp: `POST /message/sendText/{instance}`.

It knows no idempotency key either: see `whatsapp_cloud`.
"""

from typing import Any
from urllib.parse import quote

from core.channels import Secret
from core.settings import Settings
from worker_service.conversations.senders import http
from worker_service.conversations.senders.letter import Letter


class Evolution:
    """Sends through an instance of a channel account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, letter: Letter) -> str | None:
        """WhatsApp's id of the message. Raises JobError."""
        config = letter.channel.config
        url = (
            f"{config.base_url}/message/sendText/{quote(config.instance or letter.channel.account, safe='')}"
        )
        headers = {"apikey": letter.channel.secrets[Secret.API_KEY]}
        body = {"number": letter.recipient.partition("@")[0], "text": letter.text}
        return _id(http.check(await http.post(self._settings, url, headers, body)))


def _id(answer: Any) -> str | None:
    try:
        return str(answer["key"]["id"])
    except (TypeError, LookupError):
        return None
