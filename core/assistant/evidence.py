"""What an answer may rest on: the retrieved passages, cut into sentences with labels such as `3.2`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.assistant.sentences import sentences
from core.retrieval.passages import Passage

_ITEM = re.compile(r"(?:[-*•–▪·]|\d{1,3}[.)]|[a-z][.)])\s")
_LONGEST_UNIT = 1200


@dataclass(frozen=True, slots=True)
class Sentence:
    """Sentence `ordinal` of passage `rank` (both from 1), at `start:end` of the canonical text."""

    rank: int
    ordinal: int
    passage: Passage
    start: int
    end: int

    @property
    def label(self) -> str:
        """How the model cites this sentence."""
        return f"{self.rank}.{self.ordinal}"

    @property
    def text(self) -> str:
        """The words as they stand in the document."""
        offset = self.passage.start
        return self.passage.text[self.start - offset : self.end - offset]


def evidence(passages: Iterable[Passage]) -> list[Sentence]:
    """The citable sentences of `passages`, best passage first. A list stays with the line announcing it."""
    found: list[Sentence] = []
    for rank, passage in enumerate(passages, start=1):
        found += [
            Sentence(rank, ordinal, passage, passage.start + start, passage.start + end)
            for ordinal, (start, end) in enumerate(_spans(passage.text), start=1)
        ]
    return found


@lru_cache(maxsize=512)
def _spans(text: str) -> list[tuple[int, int]]:
    return _with_lists(text, sentences(text))


def _with_lists(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    announced = False
    for start, end in spans:
        announced = announced and bool(_ITEM.match(text, start, end)) and end - merged[-1][0] <= _LONGEST_UNIT
        if announced:
            merged[-1] = (merged[-1][0], end)
            continue
        merged.append((start, end))
        announced = text[start:end].endswith(":")
    return merged
