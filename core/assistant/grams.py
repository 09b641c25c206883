"""Letter groups of words: what two forms of a word, or a word and its misspelling, have in common."""

from collections.abc import Iterable

SIZE = 4


def grams_of(word: str) -> list[str]:
    """The runs of four letters of a word, its edges marked; a short word is one run."""
    padded = f" {word} "
    return [padded[at : at + SIZE] for at in range(max(1, len(padded) - SIZE + 1))]


def line_of(words: Iterable[str]) -> str:
    """Words in which `gram in line` finds a gram: looking for a few is cheaper than listing all."""
    return f" {' '.join(words)} "
