"""What people say before and after a question: it deserves a kind word, not a search."""

import re

from core.retrieval.analyzer import all_words

_GREETING = re.compile(
    r"(?:(?:oi+|ola|opa|e ai|hello|hi|bom dia|boa tarde|boa noite"
    r"|tudo bem|tudo bom|como vai|como voce esta)\b ?)+"
)
_THANKS = re.compile(
    r"(?:(?:(?:muito |muitissimo )?obrigad[oa]|valeu|agradeco|ok|certo|perfeito|entendi)\b ?)+"
)
_FAREWELL = re.compile(r"(?:(?:tchau|ate logo|ate mais|adeus|ate breve)\b ?)+")

_REPLIES = (
    (_GREETING, "Olá! Como posso ajudar?"),
    (_THANKS, "Por nada! Se precisar de mais alguma coisa, é só perguntar."),
    (_FAREWELL, "Até logo! Quando precisar, é só chamar."),
)
_NO_WORDS = "Pode escrever a sua pergunta com mais detalhes?"


def reply(question: str) -> str | None:
    """The answer to small talk; None when there is a question to look up."""
    said = " ".join(all_words(question))
    if not said:
        return _NO_WORDS
    return next((text for pattern, text in _REPLIES if pattern.fullmatch(said)), None)
