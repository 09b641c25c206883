"""What counts as a "sim", a "não" or a "revogar" in Portuguese as people write it. Pure and conservative.

A text is a decision only when every word of it belongs to one: "sim, mas quanto custa?" says more than yes,
and "não recebi o boleto" is not about consent. What is no decision is asked again, which costs a message;
what was read into a text costs the person their say.
"""

import re
import unicodedata

MOST_LETTERS = 300
SHORTEST_WITH_TYPO = 7  # one letter wrong in a shorter word makes another word

_QUOTE = re.compile(r"^(>.*|(em|on)\b.*\b(escreveu|wrote):\s*)$", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_SILENT = re.compile(r"[\s.,;:!…\"'“”‘’()*_~\-–—\u200d\ufe0f\U0001f3fb-\U0001f3ff😊🙂😀😃😄😁☺🙏]+")
_SIGNS = {
    "👍": " sim ",
    "👌": " sim ",
    "✅": " sim ",
    "✔": " sim ",
    "👎": " nao ",
    "❌": " nao ",
    "🚫": " nao ",
}
_PHRASES = (
    (re.compile(r"\b(por favor|por gentileza)\b"), ""),
    (re.compile(r"\b(e )?(claro|logico|obvio) que\b"), ""),
    (re.compile(r"\b(estou )?de acordo\b"), "concordo"),
    (re.compile(r"\bcom (toda )?certeza\b"), "claro"),
    (re.compile(r"\bdou (o )?(meu )?(consentimento|aceite)\b"), "consinto"),
    (re.compile(r"\b(de (jeito|forma|maneira|modo) (nenhum|nenhuma|algum|alguma)|nem pensar)\b"), "nao"),
    (re.compile(r"\bque (voces |vcs )?(usem|utilizem|tratem|use|utilize|trate)\b"), "usar"),
)


def _lexicon(words: str) -> frozenset[str]:
    return frozenset(words.split())


_AGREE = _lexicon(
    "aceito aceitar aceita aceitei aseito acieto aceto concordo concordar concordei autorizo autorizar"
    " permito permitir consinto pode podem"
)
_YES = _AGREE | _lexicon("sim s ss sin siim ok okay okey oks claro positivo yes confirmo confirmado")
_NO = _lexicon("nao n nn naum nao negativo nunca jamais nope discordo recuso")
_POLITE = _lexicon(
    "eu obrigado obrigada obg obgd brigado brigada agradeco vlw valeu grato grata pf pfv pfvr oi ola bom boa"
    " dia tarde noite senhor senhora sr sra"
)
_WISH = _lexicon("quero queria desejo gostaria preciso prefiro vou")
_USE = _lexicon(
    "usar usando usem use utilizar utilizem utilizando tratar tratem tratando processar uso tratamento"
)
_THINGS = _lexicon("consentimento autorizacao permissao aceite")
_OBJECTS = (
    _USE
    | _THINGS
    | _lexicon(
        "o a os as e de do da dos das com ao aos pelo pela para pra meu meus minha minhas dado dados pessoal"
        " pessoais lgpd aviso termo termos politica privacidade tudo todos voce voces vc vcs continuar"
        " prosseguir seguir atendimento ser"
    )
)
_REVOKE = _lexicon("revogar revogo revogue revoga revogacao")
_LEAVE = _lexicon("sair parar pare parem stop descadastrar descadastre")
_TAKE_BACK = _lexicon(
    "retirar retiro cancelar cancelo cancele cancelem tirar tiro remover removam anular anulo desfazer"
    " desistir desisto"
)
_CEASE = _lexicon("parar pare parem deixar deixe deixem")
_LONG = sorted(
    word
    for word in _YES | _NO | _WISH | _THINGS | _USE | _REVOKE | _TAKE_BACK
    if len(word) >= SHORTEST_WITH_TYPO
)
_KNOWN = _YES | _NO | _POLITE | _WISH | _OBJECTS | _REVOKE | _LEAVE | _TAKE_BACK | _CEASE | {"mais"}


def reads_as_yes(text: str) -> bool:
    """Whether the text agrees, and does nothing else."""
    words = _words(text)
    return bool(words & _YES) and words <= _YES | _POLITE | _OBJECTS | _WISH


def reads_as_no(text: str) -> bool:
    """Whether the text refuses, and does nothing else."""
    words = _words(text)
    if not words & _NO:
        return False
    names_it = bool(words & (_AGREE | _WISH | _USE))
    return words <= _NO | _POLITE or (names_it and words <= _NO | _POLITE | _AGREE | _WISH | _OBJECTS)


def reads_as_withdrawal(text: str) -> bool:
    """Whether the text takes a consent back, and does nothing else."""
    words = _words(text)
    around = _POLITE | _WISH | _OBJECTS
    return any(
        (
            words & _REVOKE and words <= _REVOKE | around,
            words & _LEAVE and words <= _LEAVE | _POLITE | _WISH,
            words & _TAKE_BACK and words & _THINGS and words <= _TAKE_BACK | around,
            words & _CEASE and words & _USE and "dados" in words and words <= _CEASE | around,
            _is_no_more(words) and words <= _NO | {"mais"} | _AGREE | around,
        )
    )


def _is_no_more(words: frozenset[str]) -> bool:
    """Whether it is a "não autorizo mais", or a "não usem mais os meus dados"."""
    names_it = words & _AGREE or (words & _USE and "dados" in words)
    return bool({"nao", "mais"} <= words and names_it)


def _words(text: str) -> frozenset[str]:
    """The words of a text, each in its known spelling; none when something in it belongs to no decision."""
    own = "\n".join(line for line in text.splitlines() if not _QUOTE.match(line.strip()))
    if len(own) > MOST_LETTERS or "?" in own:
        return frozenset()
    plain = _plain(own)
    words = [_spelled(word) for word in _WORD.findall(plain)]
    is_whole = not _SILENT.sub("", _WORD.sub("", plain)) and all(word in _KNOWN for word in words)
    return frozenset(words) if is_whole else frozenset()


def _plain(text: str) -> str:
    """Small letters without accents; signs and set phrases as the word they stand for."""
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for phrase, word in _PHRASES:
        plain = phrase.sub(word, plain)
    return plain


def _spelled(word: str) -> str:
    """The known word that is meant: drawn-out letters shortened, one slip allowed in a long word."""
    for form in (word, re.sub(r"(.)\1{2,}", r"\1", word), re.sub(r"(.)\1+", r"\1", word)):
        if form in _KNOWN:
            return form
    return next((known for known in _LONG if _one_slip(word, known)), word)


def _one_slip(word: str, known: str) -> bool:
    """Whether one letter is missing, too many, wrong, or changed places with its neighbour."""
    if abs(len(word) - len(known)) > 1 or word[:1] != known[:1]:
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known))
    )
    a, b = word[start:], known[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
