"""CPF and CNPJ: text, never numbers, for a CNPJ has letters since July 2026 (IN RFB 2.229/2024)."""

import re

from stdnum.br import cnpj, cpf

from core.matching.unmatchable import Unmatchable

_PUNCTUATION = re.compile(r"[\s.\-/]")
_CPF = re.compile(r"[0-9]{11}")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")


def cpf_key(value: str) -> str:
    """Eleven digits whose check digits hold. Raises Unmatchable; 111.111.111-11 is nobody's."""
    digits = _PUNCTUATION.sub("", value)
    if not _CPF.fullmatch(digits) or _is_one_digit(digits) or not cpf.is_valid(digits):
        raise Unmatchable("this is not a CPF: it has 11 digits, the last two of which check the others")
    return digits


def cnpj_key(value: str) -> str:
    """Twelve letters or digits and two check digits, in capitals. Raises Unmatchable."""
    text = _PUNCTUATION.sub("", value).upper()
    if not _CNPJ.fullmatch(text) or _is_one_digit(text) or not cnpj.is_valid(text):
        raise Unmatchable("this is not a CNPJ: it has 14 places, the last two of which check the others")
    return text


def _is_one_digit(text: str) -> bool:
    """The library takes these; people type them to get past a form."""
    return len(set(text)) == 1
