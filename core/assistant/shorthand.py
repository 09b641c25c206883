"""Portuguese as it is typed on a phone: shorthand written out, slips of the finger undone."""

from functools import lru_cache

from core.retrieval.analyzer import all_words

_SHORTHAND = {
    "n": "nao", "naum": "nao", "num": "nao", "vc": "voce", "vcs": "voces", "pq": "porque", "td": "tudo",
    "q": "que", "qto": "quanto", "qnto": "quanto", "qdo": "quando", "qnd": "quando", "qal": "qual",
    "obg": "obrigado", "obgd": "obrigado", "obgda": "obrigada", "brigado": "obrigado",
    "brigada": "obrigada", "vlw": "valeu", "flw": "tchau", "blz": "beleza", "bdia": "bom dia",
    "tb": "tambem", "tbm": "tambem", "pra": "para", "pro": "para", "pras": "para", "ta": "esta",
    "to": "estou", "tou": "estou", "tava": "estava", "cade": "onde", "hj": "hoje", "msg": "mensagem",
    "oie": "oi", "eai": "e ai", "okk": "ok", "ajd": "ajuda",
}  # fmt: skip

_TELLING = frozenset(
    "atendente atendimento humano pessoa alguem gerente funcionario chamado protocolo ocorrencia reclamacao"
    " problema ajuda ajudar ajudem preciso consigo consegui conseguindo funciona errado errada indevida"
    " duplicado bloqueado bloqueada obrigado obrigada valeu quanto quando onde como qual quais horario"
    " cobrado cobranca descontado acessar resolver transfere travou chegou".split()
)
_SHORTEST = 5
"""Shorter words are one slip away from too many others."""


def spoken(text: str) -> str:
    """The words of `text` folded, shorthand and drawn-out letters (`oiii`) undone, one space between them."""
    return " ".join(_word(word) for word in all_words(text))


@lru_cache(maxsize=8_192)
def _word(word: str) -> str:
    if word in _SHORTHAND:
        return _SHORTHAND[word]
    short = _without_repeats(word)
    if short in _SHORTHAND:
        return _SHORTHAND[short]
    if len(short) < _SHORTEST or short in _TELLING:
        return short
    return next((known for known in sorted(_TELLING) if is_one_slip(short, known)), short)


def _without_repeats(word: str) -> str:
    """`oiiii` is `oi`; Portuguese doubles only `rr`, `ss` and, in a few words, vowels inside."""
    kept = ""
    for at, letter in enumerate(word):
        is_third = at > 1 and word[at - 2] == word[at - 1] == letter
        ends_double = letter == word[at - 1 : at] and letter in "aeiou" and not word[at:].strip(letter)
        if not is_third and not ends_double:
            kept += letter
    return kept


def is_one_slip(written: str, meant: str) -> bool:
    """One letter lost, added, changed or swapped with its neighbour, but never the first one."""
    if (
        written[:1] != meant[:1]
        or abs(len(written) - len(meant)) > 1
        or min(len(written), len(meant)) < _SHORTEST
    ):
        return False
    head = 0
    while head < min(len(written), len(meant)) and written[head] == meant[head]:
        head += 1
    rest, wanted = written[head:], meant[head:]
    swapped = rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:]
    return swapped or rest[1:] == wanted[1:] or rest[1:] == wanted or rest == wanted[1:]
