"""From Portuguese text to terms: one family of functions for what is stored and for what is asked.

No server dictionary takes part, so a database without `unaccent` serves as well, and accents that a person
leaves out change nothing. Linear in the text, whatever the text is.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import Stemmer

from core.retrieval.stopwords import STOP_WORDS

MAX_WORD = 64
"""Code points in a word; a longer run is cut into pieces, so that no input makes a costly word."""

MAX_CODE = 256
"""Code points in a code: a lexeme of Postgres holds 2,047 bytes, and a longer one comes back maimed."""

_MARKS = "\u0300-\u036f"
_WORD = rf"[^\W_](?:[^\W_]|[{_MARKS}]){{0,{MAX_WORD - 1}}}"
_TOKEN = re.compile(rf"{_WORD}(?:[./\-:,]{_WORD}){{0,7}}")
_PART = re.compile(r"[^\W_]+")
_STRIPPED = re.compile(f"[{_MARKS}ºª]")
_DIGIT = re.compile(r"\d")
_PLURAL = re.compile("(?:oes|aes)$")
_SHORTEST_PLURAL = 4
_stemmer = Stemmer.Stemmer("portuguese", 0)  # our own cache is bounded by the same number for all of it


class Analysis(NamedTuple):
    """The words of a text, stemmed, in order; and its codes, written together (`123.456.789-09`)."""

    stems: list[str]
    codes: list[str]

    def bigrams(self) -> list[str]:
        """Neighbouring stems as one term each."""
        return [bigram(left, right) for left, right in pairwise(self.stems)]


class _Token(NamedTuple):
    words: tuple[str, ...]
    stems: tuple[str, ...]
    codes: tuple[str, ...]


def bigram(left: str, right: str) -> str:
    """The term for two stems in a row; no stem holds the separator."""
    return f"{left}_{right}"


def fold(text: str) -> str:
    """Lower case without accents: NFKC, lower, marks stripped. Ordinal signs go too (`5º` is `5`).

    Costs the square of the longest run of combining marks: give it words, not pages.
    """
    bare = _STRIPPED.sub("", text)
    if bare.isascii():
        return bare.lower()
    return _STRIPPED.sub("", unicodedata.normalize("NFKD", bare).lower())


def analyze(text: str) -> Analysis:
    """The terms of a text, for the index and for a question alike."""
    tokens = [_token(match) for match in _TOKEN.findall(text.lower())]
    return Analysis(
        [stem for token in tokens for stem in token.stems],
        [code for token in tokens for code in token.codes],
    )


def content_words(text: str) -> list[str]:
    """The folded words of a text without its stop words, unstemmed, in order."""
    return [word for match in _TOKEN.findall(text.lower()) for word in _token(match).words]


def all_words(text: str) -> list[str]:
    """The folded words of a text, stop words included, in order."""
    return [word for match in _TOKEN.findall(text.lower()) for word in _PART.findall(fold(match))]


@lru_cache(maxsize=32_768)
def _token(text: str) -> _Token:
    parts = [part[:MAX_WORD] for part in _PART.findall(fold(text))]  # one ligature may fold to 18 letters
    words = tuple(part for part in parts if part not in STOP_WORDS)
    joined = len(parts) > 1 and _DIGIT.search(text) is not None
    code = "".join(parts)[:MAX_CODE]
    return _Token(words, tuple(map(_stem, words)), (code,) if joined else ())


def _stem(word: str) -> str:
    """Snowball's stem; `reuniões` and `reunião`, which it keeps apart, are made one before."""
    stem: str = _stemmer.stemWord(_PLURAL.sub("ao", word) if len(word) > _SHORTEST_PLURAL else word)
    return stem
