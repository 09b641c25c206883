"""The second look at a short list: which passage holds one sentence that speaks of the question?

Overlap is counted in letter groups inside words (forms of a word and typing errors still overlap) and across
words (order counts), weighed by how rare each group is among the candidates' own sentences.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
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

KEPT = 2_048
"""Passages (some 4 KB each) and beginnings of sentences whose reading is kept."""

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
class _Reading:
    """A passage as the second look reads it, whatever is asked."""

    sentences: list[str]
    header: str
    lines: list[str]
    whole: str
    opening: frozenset[str]


class _Overlap(NamedTuple):
    """Shares (0-1) of the question in the best sentence, in the best one read under the header, in all."""

    sentence: float
    titled: float
    passage: float


def rerank(question: str, candidates: Sequence[Candidate]) -> list[float]:
    """A score for each candidate, comparable within this list only.

    About 0.05 ms per candidate, and 0.15 ms more for one that was not looked at lately.
    """
    asked = _line(question)
    passages = [_read(candidate.header, candidate.body) for candidate in candidates]
    words = _overlaps(_groups_in_words(asked), passages)
    order = _orders(_groups_across_words(asked), passages)
    defines = _definitions(question, passages)
    themes = _themes(question, passages)
    return [
        LEXICAL * candidate.lexical
        + SENTENCE * word.sentence
        + SENTENCE_WITH_HEADER * word.titled
        + PASSAGE * word.passage
        + FIRST_SENTENCE * theme
        + ORDER * across
        + DEFINITION * defined
        for candidate, word, across, defined, theme in zip(
            candidates, words, order, defines, themes, strict=True
        )
    ]


def split_sentences(text: str) -> list[str]:
    """The sentences and lines of a text, roughly: enough for ranking, not for citing."""
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()]


@lru_cache(maxsize=KEPT)
def _read(header: str, body: str) -> _Reading:
    sentences = split_sentences(body)
    lines = [_line(sentence) for sentence in sentences]
    opening = frozenset(analyze(sentences[0]).stems) if sentences else frozenset()
    return _Reading(sentences, _line(header), lines, "\n".join(lines), opening)


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


def _overlaps(groups: Mapping[str, int], passages: Sequence[_Reading]) -> list[_Overlap]:
    found = [_found(groups, passage) for passage in passages]
    weights, total = _weights(groups, found)

    def weight(matched: Iterable[str]) -> float:
        return sum(map(weights.__getitem__, matched)) / total

    def overlap(passage: _Reading, lines: list[list[str]]) -> _Overlap:
        header = {group for group in groups if group in passage.header}
        base = weight(header)
        best = max(map(weight, lines), default=0.0)
        titled = max((base + weight(g for g in line if g not in header) for line in lines), default=base)
        return _Overlap(best, titled, weight(header.union(*lines)))

    return [overlap(passage, lines) for passage, lines in zip(passages, found, strict=True)]


def _orders(groups: Mapping[str, int], passages: Sequence[_Reading]) -> list[float]:
    """The share of the question in the best sentence alone."""
    found = [_found(groups, passage) for passage in passages]
    weights, total = _weights(groups, found)
    return [
        max((sum(map(weights.__getitem__, line)) / total for line in lines), default=0.0) for lines in found
    ]


def _found(groups: Iterable[str], passage: _Reading) -> list[list[str]]:
    """The groups in each sentence; most are in none, which one look at the whole tells."""
    present = [group for group in groups if group in passage.whole]
    return [[group for group in present if group in line] for line in passage.lines]


def _weights(groups: Mapping[str, int], found: Sequence[list[list[str]]]) -> tuple[dict[str, float], float]:
    """How often the question says a group times its idf over the candidates' sentences; and their sum."""
    lines = [line for passage in found for line in passage]
    holding = Counter(chain.from_iterable(lines))
    weights = {
        group: times * log(1 + (len(lines) - holding[group] + 0.5) / (holding[group] + 0.5))
        for group, times in groups.items()
    }
    return weights, sum(weights.values()) or 1.0


def _themes(question: str, passages: Sequence[_Reading]) -> list[float]:
    """Share of the question's words in the first sentence, which says what a passage is about."""
    asked = set(analyze(question).stems)
    return [len(asked & passage.opening) / (len(asked) or 1) for passage in passages]


def _definitions(question: str, passages: Sequence[_Reading]) -> list[bool]:
    """Asked what something is: does a passage say so, in a sentence that begins with it?"""
    subject = analyze(question).stems
    if not 0 < len(subject) <= _COPULA_WITHIN - 2 or not _DEFINITION.match(" ".join(all_words(question))):
        return [False] * len(passages)
    return [any(_defines(subject, sentence) for sentence in passage.sentences) for passage in passages]


def _defines(subject: list[str], sentence: str) -> bool:
    words, stems = _beginning(sentence)
    if not set(subject) <= set(stems):
        return False
    places = [stems.index(stem) for stem in subject]
    after = words[max(places) + 1 : max(places) + 1 + _COPULA_WITHIN]
    return min(places) <= _SUBJECT_STARTS_BY and not _COPULAS.isdisjoint(after)


@lru_cache(maxsize=KEPT)
def _beginning(sentence: str) -> tuple[list[str], list[str]]:
    """The first words, and the stems of those among which a subject may stand."""
    words = all_words(sentence)[: _SUBJECT_ENDS_BY + 1 + _COPULA_WITHIN]
    return words, [" ".join(analyze(word).stems) for word in words[: _SUBJECT_ENDS_BY + 1]]
