"""The channel that needs nobody: what is said is read through the API or `cogep conversations tail`."""

import structlog

from worker_service.conversations.senders.letter import Letter

log = structlog.get_logger(__name__)


class Console:
    """Also used by accounts that have no credentials yet. The log tells that something was said, not what."""

    async def send(self, letter: Letter) -> str | None:
        """No channel, no id."""
        log.info("said_on_console", conversation=str(letter.conversation), message=str(letter.id))
        return None
