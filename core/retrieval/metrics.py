"""The measures of a ranking with one right answer per question."""

from collections.abc import Sequence
from math import log2
from typing import NamedTuple

CUT = 10


class Quality(NamedTuple):
    """Means over the questions: nDCG@10, and the share found first and among the first ten."""

    ndcg: float
    recall_1: float
    recall_10: float


def quality(ranks: Sequence[int | None]) -> Quality:
    """What the ranks (from 0; None for not found) of the right answers are worth.

    With one relevant passage the ideal DCG is 1, so nDCG is `1 / log2(rank + 2)` within the cut.
    """
    if not ranks:
        return Quality(0.0, 0.0, 0.0)
    found = [rank for rank in ranks if rank is not None and rank < CUT]
    count = len(ranks)
    return Quality(
        sum(1 / log2(rank + 2) for rank in found) / count,
        sum(rank == 0 for rank in found) / count,
        len(found) / count,
    )
