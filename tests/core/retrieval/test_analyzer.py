import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.analyzer import MAX_WORD, all_words, analyze, content_words, fold

PORTUGUESE = "abcdefghijklmnopqrstuvwxyzáàâãéêíóôõúüçABCÁÉÇ 0123456789.,-/?!"


def without_accents(text: str) -> str:
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))


@given(st.text(PORTUGUESE))
def test_accents_left_out_change_nothing(text: str) -> None:
    assert analyze(without_accents(text)) == analyze(text)


@given(st.text(PORTUGUESE))
def test_decomposed_text_is_the_same_text(text: str) -> None:
    assert analyze(unicodedata.normalize("NFD", text)) == analyze(unicodedata.normalize("NFC", text))


@given(st.text())
def test_any_text_gives_short_plain_words(text: str) -> None:
    analysis = analyze(text)
    for term in analysis.stems + analysis.codes:
        assert term
        assert "\x00" not in term
    assert all(len(stem) <= MAX_WORD for stem in analysis.stems)


def test_forms_of_a_word_meet() -> None:
    assert analyze("reuniões").stems == analyze("REUNIÃO").stems == analyze("reuniao").stems


def test_stop_and_question_words_say_nothing() -> None:
    assert analyze("Quais são os prazos para a matrícula?").stems == analyze("prazo matrícula").stems
    assert analyze("o que é isso?").stems == []


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("123.456.789-09", "12345678909"),
        ("12.345.678/0001-95", "12345678000195"),
        ("PED-2024/0012", "ped20240012"),
        ("12:30", "1230"),
    ],
)
def test_codes_are_also_one_term(written: str, code: str) -> None:
    assert code in analyze(f"o número {written}.").codes
    assert analyze(code).stems == [code]


def test_ordinals_are_numbers() -> None:
    assert analyze("art. 5º").stems == analyze("Art 5").stems == ["art", "5"]


def test_a_hyphen_without_digits_only_separates() -> None:
    assert analyze("guarda-chuva").codes == []
    assert len(analyze("guarda-chuva").stems) == 2


def test_compatibility_forms_fold() -> None:
    assert fold("ﬁm \uff21\uff22\uff23 İ") == "fim abc i"


def test_order_and_repetition_are_kept() -> None:
    assert content_words("O prazo do prazo é a Lei") == ["prazo", "prazo", "lei"]
    assert all_words("O prazo É já") == ["o", "prazo", "e", "ja"]
    assert analyze("prazo lei prazo").bigrams() == ["praz_lei", "lei_praz"]


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        ("b" * 1_000_000, 1_000_000 // MAX_WORD),
        ("b" + "\u0316\u0301" * 500_000, 1),
        ("\u05b0\u0591" * 500_000, 0),
        ("-./" * 300_000, 0),
        ("1." * 500_000, 500_000),
        ("\ufdfa" * 64, 193),
    ],
)
def test_hostile_text_costs_its_length(hostile: str, words: int) -> None:
    assert len(analyze(hostile).stems) == pytest.approx(words, abs=3)
