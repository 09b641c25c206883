"""From a message to what its sender wrote themselves, and from an answer to what fits a telephone. Pure."""

import re

from core.assistant.answer import Answered
from core.assistant.shorthand import spoken
from core.contacts import Message
from core.models import MessageSource
from worker_service.conversations import texts

LONGEST = 4_000
"""Code points; WhatsApp takes 4,096."""

LONGEST_QUESTION = 4_000
SUBJECT = 80
_ANOTHER = re.compile(r"\b(?:outro|novo|segundo|mais um) (?:chamado|ticket|protocolo)\b")
_QUOTED = re.compile(
    r"^(?:>|(?:em|on) .{6,120}(?:escreveu|wrote):|-{2,} ?(?:mensagem original|original message)|_{10,}$"
    r"|de: .+|from: .+)",
    re.IGNORECASE,
)


def own_words(message: Message) -> str:
    """The text without what a mail quotes below it, bounded."""
    text = message.content
    if message.source is MessageSource.EMAIL:
        text = _above_the_quote(text) or text
    return text[:LONGEST_QUESTION]


def answered(found: Answered) -> str:
    """The answer with its sources by number; those of one document share a line."""
    numbers: dict[str, list[int]] = {}
    for citation in found.citations:
        numbers.setdefault(citation.passage.title, []).append(citation.number)
    lines = ["".join(f"[{number}]" for number in cited) + f" {title}" for title, cited in numbers.items()]
    sources = "\n".join(["", "", texts.SOURCES, *lines]) if lines else ""
    return bounded(found.text, LONGEST - len(sources)) + sources


def bounded(text: str, length: int) -> str:
    """`text`, cut at a word when it is too long."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(maxsplit=1)[0] + "…"


def subject(said: str) -> str:
    """A ticket's subject: the beginning of what was said, on one line."""
    return bounded(" ".join(said.split()), SUBJECT)


def wants_another_ticket(said: str) -> bool:
    """Whether a second ticket is asked for in so many words."""
    return _ANOTHER.search(spoken(said)) is not None


def _above_the_quote(text: str) -> str:
    kept: list[str] = []
    for line in text.splitlines():
        if _QUOTED.match(line.strip()):
            break
        kept.append(line)
    return "\n".join(kept).strip()
