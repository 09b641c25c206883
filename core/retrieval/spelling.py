"""Misspelt words still find theirs: keys that a word shares with its near neighbours in the vocabulary."""

import zlib

PREFIX = 6
MIN_LENGTH = 4
"""Shorter words are neighbours of everything."""

MIN_LIKENESS = 0.4
"""Dice's coefficient over the 3-grams of `^word$` from which a stored term stands in for an unknown word."""

MAX_GUESSES = 4


def typo_keys(term: str) -> list[int]:
    """Hashes of the term's first letters, and of those without any one of them. Signed 32 bits.

    Two words within one slip of the finger in these letters share a key (Garbe's symmetric deletes), so an
    index on the keys finds the few candidates for a misspelt word. Empty for words too short to guess.
    """
    if len(term) < MIN_LENGTH:
        return []
    start = term[:PREFIX]
    variants = {start} | {start[:i] + start[i + 1 :] for i in range(len(start))}
    return sorted(_signed(zlib.crc32(variant.encode())) for variant in variants)


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
