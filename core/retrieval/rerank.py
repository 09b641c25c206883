"""The second look at a short list: which passage holds one sentence that speaks of the question?

Overlap is counted in letter groups inside words (forms of a word and typing errors still overlap) and across
words (order counts), weighed by how rare each group is among the candidates' own sentences.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from core.retrieval.analyzer import all_words, analyze, content_words

LEXICAL = 0.7
SENTENCE = 1.0
SENTENCE_WITH_HEADER = 1.0
PASSAGE = 1.0
FIRST_SENTENCE = 0.2
ORDER = 0.5
DEFINITION = 0.3
"""Weights, chosen on half of FaQuAD and rounded; changes tried around them moved nDCG@10 by under 0.005."""

MAX_GROUPS = 400
"""Letter groups of a question that are looked for; a longer question is known well by its first ones."""

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+|\n+")
_DEFINITION = re.compile(r"(?:(?:o )?que|quem|qual|quais) (?:e|eh|sao|foi|era|significa|seria)\b")
_COPULAS = frozenset(
    "e sao foi era eram sera significa consiste consistem compreende designa define denomina chama refere "
    "entende trata constitui constituem pode".split()
)
_SUBJECT_STARTS_BY, _SUBJECT_ENDS_BY, _COPULA_WITHIN = 3, 11, 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage of the short list with what the index said of it."""

    header: str
    body: str
    lexical: float


@dataclass(frozen=True, slots=True)
class _Lines:
    header: str
    sentences: list[str]


class _Overlap(NamedTuple):
    """Shares (0-1) of the question in the best sentence, in the best one read under the header, in all."""

    sentence: float
    titled: float
    passage: float


def rerank(question: str, candidates: Sequence[Candidate]) -> list[float]:
    """A score for each candidate, comparable within this list only. About 0.2 ms per candidate."""
    asked = _line(question)
    passages = [_Lines(_line(c.header), [_line(s) for s in split_sentences(c.body)]) for c in candidates]
    words = _overlaps(_groups_in_words(asked), passages)
    order = _overlaps(_groups_across_words(asked), passages)
    defines = _definitions(question, candidates)
    themes = _themes(question, candidates)
    return [
        LEXICAL * candidate.lexical
        + SENTENCE * word.sentence
        + SENTENCE_WITH_HEADER * word.titled
        + PASSAGE * word.passage
        + FIRST_SENTENCE * theme
        + ORDER * across.sentence
        + DEFINITION * defined
        for candidate, word, across, defined, theme in zip(
            candidates, words, order, defines, themes, strict=True
        )
    ]


def split_sentences(text: str) -> list[str]:
    """The sentences and lines of a text, roughly: enough for ranking, not for citing."""
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def _line(text: str) -> str:
    """Content words between single spaces, so that a space in a group means the edge of a word."""
    return f" {' '.join(content_words(text))} "


def _groups_in_words(line: str, size: int = 4) -> Mapping[str, int]:
    edged = [f" {word} " for word in line.split()]
    groups = [word[i : i + size] for word in edged for i in range(max(1, len(word) - size + 1))]
    return dict(Counter(groups[:MAX_GROUPS]))


def _groups_across_words(line: str, size: int = 5) -> Mapping[str, int]:
    groups = (line[i : i + size] for i in range(len(line) - size + 1))
    return dict.fromkeys([group for group in groups if " " in group[1:-1]][:MAX_GROUPS], 1)


def _overlaps(groups: Mapping[str, int], passages: Sequence[_Lines]) -> list[_Overlap]:
    found = [[{g for g in groups if g in line} for line in passage.sentences] for passage in passages]
    weights = _weights(groups, [line for lines in found for line in lines])
    total = sum(weights.values()) or 1.0

    def weight(matched: set[str]) -> float:
        return sum(map(weights.__getitem__, matched)) / total

    def overlap(passage: _Lines, lines: list[set[str]]) -> _Overlap:
        header = {group for group in groups if group in passage.header}
        best = max(map(weight, lines), default=0.0)
        titled = max((weight(line | header) for line in lines), default=weight(header))
        return _Overlap(best, titled, weight(header.union(*lines)))

    return [overlap(passage, lines) for passage, lines in zip(passages, found, strict=True)]


def _weights(groups: Mapping[str, int], lines: list[set[str]]) -> dict[str, float]:
    """How often the question says a group times its idf over the candidates' sentences."""
    holding = Counter(group for line in lines for group in line)
    return {
        group: times * log(1 + (len(lines) - holding[group] + 0.5) / (holding[group] + 0.5))
        for group, times in groups.items()
    }


def _themes(question: str, candidates: Sequence[Candidate]) -> list[float]:
    """Share of the question's words in the first sentence, which says what a passage is about."""
    asked = set(analyze(question).stems)
    opening = ((split_sentences(c.body) or [""])[0] for c in candidates)
    return [len(asked.intersection(analyze(first).stems)) / (len(asked) or 1) for first in opening]


def _definitions(question: str, candidates: Sequence[Candidate]) -> list[bool]:
    """Asked what something is: does a passage say so, in a sentence that begins with it?"""
    subject = analyze(question).stems
    if not 0 < len(subject) <= _COPULA_WITHIN - 2 or not _DEFINITION.match(" ".join(all_words(question))):
        return [False] * len(candidates)
    return [any(_defines(subject, s) for s in split_sentences(c.body)) for c in candidates]


def _defines(subject: list[str], sentence: str) -> bool:
    words = all_words(sentence)
    stems = [" ".join(analyze(word).stems) for word in words[: _SUBJECT_ENDS_BY + 1]]
    if not set(subject) <= set(stems):
        return False
    places = [stems.index(stem) for stem in subject]
    after = words[max(places) + 1 : max(places) + 1 + _COPULA_WITHIN]
    return min(places) <= _SUBJECT_STARTS_BY and not _COPULAS.isdisjoint(after)
