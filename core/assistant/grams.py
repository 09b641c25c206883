"""Letter groups of words: what two forms of a word, or a word and its misspelling, have in common."""

from collections.abc import Iterable

SIZE = 4


def grams_of(word: str) -> list[str]:
    """The runs of four letters of a word, its edges marked; a short word is one run."""
    padded = f" {word} "
    return [padded[at : at + SIZE] for at in range(max(1, len(padded) - SIZE + 1))]


def grams_in(words: Iterable[str]) -> frozenset[str]:
    """The runs of all `words`."""
    return frozenset(gram for word in words for gram in grams_of(word))
