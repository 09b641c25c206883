"""The built-in answerer: no model, only the sentences of the documents that answer best, each cited."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from core.assistant.evidence import Sentence
from core.assistant.features import Features, features

MOST_SENTENCES = 3
_WORTH_ADDING = 0.5
"""A further sentence is given when it is at least this likely, relative to the best."""

WEIGHTS = Features(own=2.6, grams=3.3, topic=3.7, previous=2.2, passage=2.6, hit=0.7, miss=-1.9, heading=-6.0)
"""Log-odds per feature: a listwise logistic fit on half of the translated SQuAD sample. `benchmarks.answers`
measures them on the other half and on FaQuAD, which no weight has seen. Headings are ruled out by hand:
neither set has any."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence and its score; a difference of scores is a log-odds."""

    sentence: Sentence
    score: float


def extract(question: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """One to three sentences that answer `question`, best first; none when there is nothing to choose."""
    ranked = rank(question, sentences)
    floor = ranked[0].score + math.log(_WORTH_ADDING) if ranked else 0.0
    worthy = {candidate.sentence.text: candidate.sentence for candidate in ranked if candidate.score >= floor}
    return list(worthy.values())[:MOST_SENTENCES]


def rank(question: str, sentences: Sequence[Sentence]) -> list[Ranked]:
    """All `sentences` by how well they answer `question`; the passages' order breaks ties."""
    scored = [
        Ranked(sentence, sum(map(mul, WEIGHTS, found)))
        for sentence, found in zip(sentences, features(question, sentences), strict=True)
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)
