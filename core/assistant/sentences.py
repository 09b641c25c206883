"""Where Portuguese sentences end. Chunks are cut there and answers cite there, so both use this one rule."""

import re

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|\n")
_STARTS_LOWER = re.compile(r"[\"'“‘«(\[]*[a-zà-ÿ]")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")
_ENUMERATION = re.compile(r"(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivxlc]{1,5})\.", re.IGNORECASE)
_INITIAL = re.compile(r"(?:[A-ZÀ-Ý]\.)+")
_BLANK = re.compile(r"\s*")
_LONGEST_WORD = 40
_ABBREVIATIONS = frozenset(
    "sr sra srs sras srta dr dra drs dras prof profa profs eng enga adv exmo exma ilmo ilma v.exa v.sa "
    "art arts inc par cap caps tít tit seç sec pág págs pag pags fl fls vol vols ed núm num nº n no nr nos "
    "av al r rod pça pç trav tv qd lt bl apto ap sl cj jd vl km tel tels fone cel ramal cx c.p cep "
    "jan fev mar abr mai jun jul ago set out nov dez seg ter qua qui sex sáb sab dom hs hr min máx mín "
    "cf cfr vs obs ref refs ex p.ex e.g i.e op cit ibid id aprox dec lei res port proc reg "
    "ltda cia s.a inc bras fed est mun depto dept dir sup ger coord sec p pp "
    "st sto sta d gen cel maj cap ten sgt cb pe fr me".split()
)
_ALSO_WORDS = frozenset(
    "al no nos me id dom mar set out dez lei port sec seg est dir sup fed ter res ed op ramal cep cit "
    "km d qua qui sex sáb sab ltda".split()
)


def sentences(text: str) -> list[tuple[int, int]]:
    """The spans (start, end) of the sentences of `text`, in code points, without surrounding white space.

    A line break always ends a sentence. `Sr. Silva`, `art. 5º`, `p. ex.`, `R$ 1.234,56`, `10h30`, addresses
    of mail and web, initials and `1. ` at the head of a line do not.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _END.finditer(text):
        if end[0] == "\n" or _is_end(text, start, end):
            _append(spans, text, start, end.end())
            start = end.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    if stripped := piece.strip():
        begin = start + len(piece) - len(piece.lstrip())
        spans.append((begin, begin + len(stripped)))


def _is_end(text: str, start: int, end: re.Match[str]) -> bool:
    mark, rest = end[0], text[end.end() : end.end() + _LONGEST_WORD].lstrip(" \t\xa0")
    if _STARTS_LOWER.match(rest):
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    before = _LAST_WORD.search(text, max(start, end.start() - _LONGEST_WORD), end.start())
    if before is None:
        return True
    opens = before.start() <= _BLANK.match(text, start).end()  # type: ignore[union-attr]  # matches always
    return not _is_abbreviation(before[0], rest, opens=opens)


def _is_abbreviation(word: str, rest: str, *, opens: bool) -> bool:
    """`word` stands before a full stop and `rest` after it; `opens` says the sentence begins with it."""
    if _INITIAL.fullmatch(f"{word}.") or (opens and _ENUMERATION.fullmatch(f"{word}.")):
        return True
    folded = word.lower()
    return folded in _ABBREVIATIONS and (folded not in _ALSO_WORDS or rest[:1].isdigit())
