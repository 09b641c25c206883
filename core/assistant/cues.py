"""What kind of answer a question asks for, and what such an answer looks like in Portuguese."""

import re
import unicodedata
from dataclasses import dataclass

_MARKS = re.compile("[\u0300-\u036f]")
_MONTHS = "janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"
_WEEKDAYS = "segunda|terca|quarta|quinta|sexta|sabado|domingo"
_NUMERALS = (
    "um|uma|dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|quinze|vinte|trinta|cem|cento|mil|"
    r"metade|dobro|(?:milh|bilh|primeir|segund|terceir)\w*"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """`asks` recognises the question, `answers` a sentence that may answer it; both without accents."""

    asks: re.Pattern[str]
    answers: re.Pattern[str]

    def answered_by(self, sentence: str) -> bool:
        """Whether `sentence`, unaccented, holds such an answer."""
        return self.answers.search(sentence) is not None


def _cue(asks: str, answers: str) -> Cue:
    return Cue(re.compile(asks, re.IGNORECASE), re.compile(answers))


CUES = (
    _cue(  # a time
        r"\bquando\b|\bque (?:ano|data|dia|mes|seculo|decada|epoca|periodo)\b"
        r"|\bqual (?:e )?(?:\w+ )?(?:ano|data|dia|prazo)\b|\bprazo\b",
        r"(?i:\b1\d{3}\b|\b20\d\d\b|\d/\d|\d\s+(?:dias?|horas?|meses|anos?)\b|\banos? \d"
        rf"|\bsecul|\bdecada|\bprazo|\b(?:{_MONTHS}|{_WEEKDAYS}|dias?|apos|durante|antes|quando|ate)\b)",
    ),
    _cue(  # a quantity
        r"\bquant[oa]s?\b|\bem media\b|\bqual (?:\w+ ){0,2}(?:numero|quantidade|total|porcentagem|percentual"
        r"|taxa|populacao|duracao|carga|idade|tamanho|altura|distancia|media)\b",
        rf"(?i:(?<!art\. )\d+(?![\dº°ª])|\b(?:{_NUMERALS})\b)",
    ),
    _cue(  # money
        r"\b(?:valor|preco|custa\w*|custo|salario|taxa|multa|mensalidade)\b",
        r"(?i:r\$|us\$|€|\breais\b|\bgratuit|\d\s?%|\d,\d\d)",
    ),
    _cue(  # opening hours
        r"\b(?:horario|que horas|expediente|abre\w*|fecha\w*|funciona\w*)\b",
        r"(?i:\b\d{1,2}\s?h(?:\d{2})?\b|\b\d{1,2}:\d{2}\b|\bhoras\b|\b24h?\b)",
    ),
    _cue(  # a reason
        r"\bpor ?que\b|\bmotivo|\brazao\b|\bcausa",
        r"(?i:\b(?:porque|pois|devido|ja que|uma vez que|por causa|visto que|gracas|para)\b"
        r"|\bpor (?:ser|ter|nao)\b|\bcausa|\brazao|\bmotivo)",
    ),
    _cue(  # a place
        r"\bonde\b|\b(?:local|endereco|cidade|pais|estado|lugar|regiao)\b",
        r"(?i:\b(?:em|n[oa]s?|rua|avenida|av|cidade|estado|pais|localizad\w*|sede|campus|sala|predio)\b)",
    ),
    _cue(  # a person or an organisation
        r"\bquem\b|\bqual (?:e )?(?:o nome|a pessoa|a empresa|o autor)",
        r"(?<=[a-z0-9,;:(] )[A-Z][a-z]+|[A-Z]{2,}",
    ),
    _cue(  # what to do
        r"\bcomo (?:eu )?\w+[or]\b",
        r"(?i:\b(?:acesse|abra|clique|toque|entre|escolha|selecione|informe|envie|ligue|solicite|preencha|procure"
        r"|digite|confirme|leve|apresente|va|faca|siga|basta|passo|por meio|atraves|pel[oa]s?)\b)",
    ),
    _cue(  # how to reach somebody
        r"\b(?:telefone|e-?mail|contato|whatsapp|ramal|falar com|entrar em contato)\b",
        r"\S@\S|\d{4}[- ]?\d{4}|\b0800\b|(?i:\bramal\b)|://|\bwww\.",
    ),
)


def unaccented(text: str) -> str:
    """`text` without accents; case and punctuation are kept, for answers show themselves in both."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", text))


def cues_of(question: str) -> list[Cue]:
    """The kinds of answer that `question` asks for."""
    asked = unaccented(question)
    return [cue for cue in CUES if cue.asks.search(asked)]
