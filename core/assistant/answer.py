"""A question and its passages become an answer: streamed, cited, or an honest abstention.

No database and no HTTP here: the chat and the worker's channels share this one way of answering.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from core.assistant.abstention import NOT_FOUND, OFFER, answerable
from core.assistant.citations import Citation, Citer, Said
from core.assistant.evidence import Sentence, evidence
from core.assistant.extractive import extract
from core.assistant.prompts import DOES_NOT_KNOW, prompt
from core.assistant.segments import Segment, Segmenter
from core.assistant.smalltalk import reply
from core.llm.model import LanguageModel, ModelFailed, Usage
from core.retrieval.passages import Passage
from core.retrieval.search import aside

log = structlog.get_logger(__name__)

EXTRACTIVE = "extractive"
"""The name of the answerer that needs no model."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's final text; nothing said is taken back."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation, right after the piece of text that holds its marker."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Abstained:
    """The documents do not answer. `text` has been said as a TextDelta too; `offer` is what can be done."""

    text: str
    offer: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The end: the whole answer, as it is to be stored. `notice` says why a configured model is silent."""

    text: str
    abstained: bool
    model: str
    citations: tuple[Citation, ...] = ()
    usage: Usage | None = None
    notice: str | None = None


AnswerEvent: TypeAlias = TextDelta | Cited | Abstained | Answered


async def answer(
    question: str,
    passages: Sequence[Passage],
    model: LanguageModel | None,
    *,
    max_tokens: int = 800,
    allowed_hosts: frozenset[str] = frozenset(),
) -> AsyncGenerator[AnswerEvent, None]:
    """The answer to `question` from `passages`; the last event is Answered. A failing model is no failure."""
    if (smalltalk := reply(question)) is not None:
        yield TextDelta(smalltalk)
        yield Answered(smalltalk, abstained=False, model=EXTRACTIVE)
        return
    sentences = await aside(question, lambda: evidence(passages) if answerable(question, passages) else [])
    drafting = _Drafting(question, sentences, Citer(question, sentences, allowed_hosts=allowed_hosts))
    if model is not None and sentences:
        async with aclosing(drafting.ask(model, max_tokens)) as events:
            async for event in events:
                yield event
    for event in await aside(question, lambda: list(drafting.finish())):
        yield event


class _Drafting:
    """One answer while it is being made."""

    def __init__(self, question: str, sentences: Sequence[Sentence], citer: Citer) -> None:
        self._question = question
        self._sentences = sentences
        self._citer = citer
        self._text = ""
        self._model: str | None = None
        self._usage: Usage | None = None
        self._notice: str | None = None

    async def ask(self, model: LanguageModel, max_tokens: int) -> AsyncGenerator[AnswerEvent, None]:
        """What the model says and the documents support. Its failure is noted, not raised."""
        segmenter = Segmenter()
        messages = prompt(self._question, self._sentences)
        try:
            async with aclosing(model.stream(messages, max_tokens=max_tokens)) as deltas:
                async for delta in deltas:
                    self._model, self._usage = delta.model, delta.usage or self._usage
                    for event in self._checked(segmenter.feed(delta.text)):
                        yield event
            for event in self._checked(segmenter.flush()):
                yield event
        except ModelFailed as error:
            log.warning("llm_failed", model=model.name, code=error.code, said=bool(self._text))
            self._notice = error.code

    def finish(self) -> Iterable[AnswerEvent]:
        """The extractive answer if a model was absent or failed speechless; then the end."""
        speechless = not self._text and (self._model is None or self._notice is not None)
        if speechless:
            self._model = EXTRACTIVE
            for sentence in extract(self._question, self._sentences):
                yield from self._say(self._citer.quote(sentence))
        if not self._text:
            yield from self._abstain()
        yield Answered(
            self._text,
            abstained=not self._citer.citations,
            model=self._model or EXTRACTIVE,
            citations=tuple(self._citer.citations),
            usage=self._usage,
            notice=self._notice,
        )

    def _checked(self, segments: Iterable[Segment]) -> Iterable[AnswerEvent]:
        for segment in segments:
            if DOES_NOT_KNOW not in segment.text and (said := self._citer.check(segment)) is not None:
                yield from self._say(said)

    def _say(self, said: Said) -> Iterable[AnswerEvent]:
        self._text += said.text
        yield TextDelta(said.text)
        for citation in said.citations:
            yield Cited(citation)

    def _abstain(self) -> Iterable[AnswerEvent]:
        self._text = f"{NOT_FOUND} {OFFER}"
        yield Abstained(NOT_FOUND, OFFER)
        yield TextDelta(self._text)
