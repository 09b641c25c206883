"""Words of Portuguese text as the answerer compares them; stands in for the analyzer until it lands."""

import re
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"\w+")
_STEMMER = Stemmer.Stemmer("portuguese")
STOP_WORDS = frozenset(
    """
    de a o que e do da em um para com nao uma os no se na por mais as dos como mas ao ele das seu
    sua ou quando muito nos ja eu tambem so pelo pela ate isso ela entre depois sem mesmo aos seus
    quem nas me esse eles voce essa num nem suas meu as minha numa pelos elas qual lhe deles essas
    esses pelas este dele tu te voces vos lhes meus minhas teu tua teus tuas nosso nossa nossos
    nossas dela delas esta estes estas aquele aquela aqueles aquelas isto aquilo estou estamos
    estao sao era eram foi foram ser sido tem ha quais quanto quantos quanta quantas onde porque
    """.split()
)


def unaccented(text: str) -> str:
    """Compatibility form without accents; case is kept."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def content_words(text: str) -> list[str]:
    """The folded words of `text` that carry meaning, in order."""
    return [word for word in _WORD.findall(unaccented(text).lower()) if word not in STOP_WORDS]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The Snowball stem of a folded word."""
    stemmed: str = _STEMMER.stemWord(word)
    return stemmed
