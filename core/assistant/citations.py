"""Holds an answer to its evidence: every sentence keeps a citation that exists, or is not said."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.assistant.evidence import Sentence
from core.assistant.markup import plain
from core.assistant.segments import Segment
from core.retrieval.analyzer import analyze, content_words
from core.retrieval.passages import Passage

ENOUGH_OVERLAP = 0.6
"""An uncited sentence is attached to a sentence of the documents holding this share of its stems."""

_NUMBER = re.compile(r"\d+")
_THOUSANDS = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_BULLET = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")
_HOLDABLE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Citation:
    """`quote == canonical_text[start:end]` of the passage's document version, by construction."""

    number: int
    passage: Passage
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the final text, and the citations that appear in it for the first time."""

    text: str
    citations: tuple[Citation, ...]


class Citer:
    """Turns sentences into text with markers `[1]`, `[2]` in order of appearance."""

    def __init__(
        self,
        question: str,
        sentences: Sequence[Sentence],
        *,
        allowed_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.citations: list[Citation] = []
        self._by_label = {sentence.label: sentence for sentence in sentences}
        self._asked = _numbers(question)
        self._allowed_hosts = allowed_hosts
        self._held: list[str] = []
        self._started = False

    def quote(self, sentence: Sentence) -> Said:
        """A sentence of the documents, said as it stands there."""
        return self._say(sentence.text, [sentence], new_line=False)

    def check(self, segment: Segment) -> Said | None:
        """A sentence of a model, if the documents support it; None when it must not be said.

        A short opening such as `Sim.` or `São estes:` waits for a supported sentence to follow.
        """
        text = plain(segment.text, self._allowed_hosts).strip()
        if not content_words(text) or (not segment.labels and _is_opening(text)):
            self._held += [text] if text else []
            return None
        support = self._support(text, segment.labels)
        if not support:
            self._held.clear()
            return None
        held, self._held = " ".join(self._held), []
        return self._say(f"{held} {text}" if held else text, support, new_line=segment.new_line)

    def _support(self, text: str, labels: Iterable[str]) -> list[Sentence]:
        """The sentences that carry `text`: the cited ones, else the one most like it. Numbers must agree."""
        cited = [self._by_label[label] for label in labels if label in self._by_label]
        found = cited or _most_alike(text, self._by_label.values())
        known = self._asked.union(*(_numbers(sentence.text) for sentence in found))
        return found if _numbers(_BULLET.sub("", text)) <= known else []

    def _say(self, text: str, support: Iterable[Sentence], *, new_line: bool) -> Said:
        known = len(self.citations)
        markers = "".join(f"[{number}]" for number in dict.fromkeys(map(self._number, support)))
        gap = ("\n" if new_line else " ") if self._started else ""
        self._started = True
        said = f"{gap}{plain(text, self._allowed_hosts).strip()} {markers}"
        return Said(said, tuple(self.citations[known:]))

    def _number(self, sentence: Sentence) -> int:
        for citation in self.citations:
            if (citation.passage.version_id, citation.start, citation.end) == _place(sentence):
                return citation.number
        number = len(self.citations) + 1
        self.citations.append(Citation(number, sentence.passage, sentence.start, sentence.end, sentence.text))
        return number


def _place(sentence: Sentence) -> tuple[int, int, int]:
    return sentence.passage.version_id, sentence.start, sentence.end


def _is_opening(text: str) -> bool:
    return text.endswith(":") or len(text.split()) <= _HOLDABLE_WORDS


def _most_alike(text: str, sentences: Iterable[Sentence]) -> list[Sentence]:
    stems = set(analyze(text).stems)
    if not stems:
        return []
    shares = [
        (len(stems.intersection(analyze(sentence.text).stems)) / len(stems), sentence)
        for sentence in sentences
    ]
    share, best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return [best] if best is not None and share >= ENOUGH_OVERLAP else []


def _numbers(text: str) -> set[str]:
    """The runs of digits, thousands joined: `R$ 1.234,50` and `1234,50` agree."""
    return {number.lstrip("0") or "0" for number in _NUMBER.findall(_THOUSANDS.sub("", text))}
