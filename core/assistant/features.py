"""How much a sentence has in common with a question: the features the extractive answerer weighs."""

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from core.assistant.cues import Cue, cues_of, unaccented
from core.assistant.evidence import Sentence
from core.assistant.grams import grams_of, line_of
from core.retrieval.analyzer import analyze, content_words

_HEADING_WORDS = 8
_ENDS = re.compile(r"[.!…;)\"”»]$|\d")


class Features(NamedTuple):
    """Each in 0..1. Shares are of the question's weight, by inverse sentence frequency."""

    own: float
    """of its stems, found in the sentence"""
    grams: float
    """of its character 4-grams, found in the sentence"""
    topic: float
    """of its stems, found in the sentence or the heading above it"""
    previous: float
    """of its stems, found only in the sentence before"""
    passage: float
    """1 for the best passage, divided by e for each point (standard deviation) of score behind it"""
    hit: float
    """of its cues, satisfied by the sentence"""
    miss: float
    """1 when it has cues and the sentence satisfies none"""
    heading: float
    """1 when the sentence only announces what follows, or only repeats the question"""


class _Reading(NamedTuple):
    """A sentence whatever is asked, and whatever stands around it."""

    stems: frozenset[str]
    line: str
    words: int


@dataclass(frozen=True, slots=True)
class _Words:
    stems: frozenset[str]
    line: str
    topic: frozenset[str]
    previous: frozenset[str]
    heading: bool


@dataclass(frozen=True, slots=True)
class _Question:
    stems: Mapping[str, float]
    grams: Mapping[str, float]
    cues: Sequence[Cue]


def features(question: str, sentences: Sequence[Sentence]) -> list[Features]:
    """The features of each of `sentences`, in their order."""
    words = _words(sentences)
    asked = _question(question, words)
    best = max((sentence.passage.score for sentence in sentences), default=0.0)
    return [_features(asked, *pair, best) for pair in zip(sentences, words, strict=True)]


def _features(asked: _Question, sentence: Sentence, words: _Words, best: float) -> Features:
    answered = _answered(asked.cues, sentence)
    return Features(
        own=_share(asked.stems, words.stems),
        grams=_share(asked.grams, words.line),
        topic=_share(asked.stems, words.stems | words.topic),
        previous=_share(asked.stems, words.previous - words.stems),
        passage=math.exp(sentence.passage.score - best),
        hit=answered or 0.0,
        miss=float(answered == 0.0),
        heading=float(words.heading or words.stems <= asked.stems.keys()),
    )


def _share(weights: Mapping[str, float], found: Container[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in found)


def _answered(cues: Sequence[Cue], sentence: Sentence) -> float | None:
    """The share of the cues that the sentence satisfies; None when the question has none."""
    if not cues:
        return None
    text = unaccented(sentence.text)
    return sum(cue.answered_by(text) for cue in cues) / len(cues)


def _words(sentences: Sequence[Sentence]) -> list[_Words]:
    found: list[_Words] = []
    for sentence, after in zip_longest(sentences, sentences[1:]):
        before = found[-1] if found and sentence.ordinal > 1 else None
        announces = after is not None and after.rank == sentence.rank
        found.append(_compared(sentence, before, announces=announces))
    return found


def _compared(sentence: Sentence, before: _Words | None, *, announces: bool) -> _Words:
    read, topic = _read(sentence.text), _read(sentence.passage.header).stems
    return _Words(
        stems=read.stems,
        line=read.line,
        topic=topic | before.stems if before is not None and before.heading else topic,
        previous=before.stems if before is not None else frozenset(),
        heading=announces and _is_heading(sentence.text, read.words),
    )


@lru_cache(maxsize=4_096)
def _read(text: str) -> _Reading:
    words = content_words(text)
    return _Reading(frozenset(analyze(text).stems), line_of(words), len(words))


def _is_heading(text: str, words: int) -> bool:
    """A question, or a short line without an end: it says what follows is about and answers nothing."""
    return text.endswith(("?", ":")) or (words <= _HEADING_WORDS and not _ENDS.search(text))


def _question(question: str, sentences: Sequence[_Words]) -> _Question:
    stems = analyze(question).stems
    weight = _rarity(set(stems), sentences)
    grams: dict[str, float] = {}
    for word, stem in zip(content_words(question), stems, strict=True):
        own = grams_of(word)
        for gram in own:
            grams[gram] = max(grams.get(gram, 0.0), weight[stem] / len(own))
    return _Question(_normalised(weight), _normalised(grams), cues_of(question))


def _rarity(terms: Iterable[str], sentences: Sequence[_Words]) -> dict[str, float]:
    """BM25's idf, over the candidate sentences: a word they all share decides nothing between them."""
    found = Counter(term for sentence in sentences for term in sentence.stems)
    total = len(sentences)
    return {term: math.log(1 + (total - found[term] + 0.5) / (found[term] + 0.5)) for term in terms}


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values()) or 1.0
    return {term: weight / total for term, weight in sorted(weights.items())}
