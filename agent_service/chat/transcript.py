"""What has been said so far in one answer, and which events a listener has not heard yet.

An event's id is a place in the transcript, not a count: `stage-characters-citations`. So a listener that
comes back resumes exactly, whether the answer is still in the making here or is read back from the database.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from agent_service.chat.schemas import ChatOut, CitationOut, Event, UsageOut
from core.assistant.abstention import OFFER
from core.assistant.answer import Answered, AnswerEvent, Cited, TextDelta
from core.errors import DomainError
from core.retrieval.passages import Passage
from core.retrieval.search import Retrieval

HYBRID, LEXICAL = "hybrid", "lexical"
LAST_EVENTS = frozenset({"done", "error"})

_CURSOR = re.compile(r"([0-6])-(\d{1,7})-(\d{1,4})")
_META, _RETRIEVAL, _TEXT, _ABSTAIN, _USAGE, _END = range(1, 7)


class Cursor(NamedTuple):
    """How far a listener is."""

    stage: int = 0
    characters: int = 0
    citations: int = 0

    @classmethod
    def parse(cls, event_id: str | None) -> "Cursor":
        """The place an event's id names; the beginning for none, or for one we never gave."""
        found = _CURSOR.fullmatch(event_id or "")
        return cls(*map(int, found.groups())) if found else cls()

    def __str__(self) -> str:
        return f"{self.stage}-{self.characters}-{self.citations}"


@dataclass(slots=True)
class Transcript:
    """An answer in the making; `result` or `error` ends it."""

    id: UUID
    question: str
    namespace: str
    retrieval: dict[str, Any] | None = None
    text: str = ""
    citations: list[CitationOut] = field(default_factory=list)
    answered: Answered | None = None
    result: ChatOut | None = None
    error: DomainError | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finished(self) -> bool:
        """Whether nothing more will be said."""
        return self.result is not None or self.error is not None

    def found(self, retrieval: Retrieval) -> None:
        """The passages are known."""
        self.retrieval = {
            "mode": mode_of(retrieval),
            "coverage": retrieval.coverage,
            "passages": [_passage(passage) for passage in retrieval.passages],
        }
        self._notify()

    def hear(self, event: AnswerEvent) -> None:
        """The assistant said something."""
        if isinstance(event, TextDelta):
            self.text += event.text
        elif isinstance(event, Cited):
            self.citations.append(CitationOut.of(event.citation))
        elif isinstance(event, Answered):
            self.answered = event
        self._notify()

    def finish(self) -> None:
        """The answer is stored."""
        answered, retrieval = self.answered, self.retrieval
        assert answered is not None, "only an answer that was given is stored"
        assert retrieval is not None, "an answer rests on what was found"
        self.result = ChatOut(
            id=self.id,
            question=self.question,
            namespace=self.namespace,
            answer=answered.text,
            abstained=answered.abstained,
            offer=OFFER if answered.abstained else None,
            citations=self.citations,
            model=answered.model,
            coverage=retrieval["coverage"],
            retrieval=retrieval["mode"],
            usage=UsageOut.of(answered.usage),
            notice=answered.notice,
        )
        self._notify()

    def fail(self, error: DomainError) -> None:
        """There will be no answer."""
        self.error = error
        self._notify()

    @property
    def signal(self) -> asyncio.Event:
        """Set as soon as something more is said."""
        return self._changed

    async def end(self) -> ChatOut:
        """The finished answer. Raises the DomainError that prevented it."""
        while not self.finished:
            await self.signal.wait()
        if self.error is not None:
            raise self.error
        assert self.result is not None, "finished without an error"
        return self.result

    def events_after(self, cursor: Cursor) -> Iterator[Event]:
        """What a listener at `cursor` has not heard; an event's id is the cursor after it."""
        for name, place, data in self._after(cursor):
            yield Event(name=name, id=str(place), data=data)

    def _after(self, at: Cursor) -> Iterator[tuple[str, Cursor, dict[str, Any]]]:
        if at.stage < _META:
            at = at._replace(stage=_META)
            yield "meta", at, {"id": str(self.id), "namespace": self.namespace}
        if at.stage < _RETRIEVAL and self.retrieval is not None:
            at = at._replace(stage=_RETRIEVAL)
            yield "retrieval", at, self.retrieval
        if len(self.text) > at.characters:
            said, at = self.text[at.characters :], Cursor(_TEXT, len(self.text), at.citations)
            yield "delta", at, {"text": said}
        for citation in self.citations[at.citations :]:
            at = at._replace(stage=_TEXT, citations=at.citations + 1)
            yield "citation", at, citation.model_dump(mode="json")
        yield from self._ending(at)

    def _ending(self, at: Cursor) -> Iterator[tuple[str, Cursor, dict[str, Any]]]:
        if self.error is not None:
            yield "error", at._replace(stage=_END), {"code": self.error.code, "detail": self.error.detail}
        if self.result is None:
            return
        if self.result.abstained and at.stage < _ABSTAIN:
            yield "abstain", at._replace(stage=_ABSTAIN), {"offer": self.result.offer}
        if self.result.usage is not None and at.stage < _USAGE:
            yield "usage", at._replace(stage=_USAGE), self.result.usage.model_dump()
        yield "done", at._replace(stage=_END), self.result.model_dump(mode="json")

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def mode_of(retrieval: Retrieval) -> str:
    """Whether an embedding took part: none does when its provider is down or the namespace has none."""
    return HYBRID if any(passage.dense is not None for passage in retrieval.passages) else LEXICAL


def stored(answer: ChatOut) -> Transcript:
    """The transcript of an answer that was read back."""
    return Transcript(
        answer.id,
        answer.question,
        answer.namespace,
        retrieval={"mode": answer.retrieval, "coverage": answer.coverage, "passages": []},
        text=answer.answer,
        citations=answer.citations,
        result=answer,
    )


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "document_id": str(passage.document_id),
        "document_title": passage.title,
        "header": passage.header,
        "version": passage.version,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
    }
