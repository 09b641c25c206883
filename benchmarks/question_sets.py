"""The question sets, and the ways people really type: without accents, in a hurry."""

import html
import json
import random
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Passages (title, text), and questions each with the number of the passage that answers it."""

    name: str
    passages: Sequence[tuple[str, str]]
    questions: Sequence[tuple[str, int]]

    def typed(self, how: Callable[[str], str]) -> "QuestionSet":
        """The same set, with each question typed in another way."""
        return QuestionSet(self.name, self.passages, [(how(text), right) for text, right in self.questions])


def load(name: str) -> QuestionSet:
    """The set in `data/{name}.json`, its entities unescaped."""
    articles = json.loads((DATA / f"{name}.json").read_text("utf-8"))["data"]
    passages: list[tuple[str, str]] = []
    questions: list[tuple[str, int]] = []
    for article in articles:
        title = html.unescape(article["title"]).replace("_", " ")
        for paragraph in article["paragraphs"]:
            questions += [(html.unescape(asked["question"]), len(passages)) for asked in paragraph["qas"]]
            passages.append((title, html.unescape(paragraph["context"])))
    return QuestionSet(name, passages, questions)


def without_accents(text: str) -> str:
    """As people type on a foreign keyboard."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))


def in_a_hurry(seed: int, share: float = 0.3) -> Callable[[str], str]:
    """Lower case, no accents, and one slip in `share` of the words of four letters and more."""
    chance = random.Random(seed)

    def hurried(text: str) -> str:
        words = without_accents(text).lower().split()
        return " ".join(_slip(w, chance) if len(w) > 3 and chance.random() < share else w for w in words)

    return hurried


def _slip(word: str, chance: random.Random) -> str:
    """One letter left out, doubled, replaced, or two swapped."""
    at = chance.randrange(len(word) - 1)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + chance.choice(string.ascii_lowercase) + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    return chance.choice(slips)
