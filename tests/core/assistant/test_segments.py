from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assistant.segments import Segment, Segmenter

SPOKEN = "Sim [1.1]. O prazo é de 10 dias. [2.3] [2.4]\nHá dois casos:\n- o primeiro [1.2, 3.4];\n- o outro."
WHOLE = [
    Segment("Sim.", ("1.1",)),
    Segment("O prazo é de 10 dias.", ("2.3", "2.4")),
    Segment("Há dois casos:", (), new_line=True),
    Segment("- o primeiro;", ("1.2", "3.4"), new_line=True),
    Segment("- o outro.", (), new_line=True),
]


def segments(pieces: list[str]) -> list[Segment]:
    segmenter = Segmenter()
    return [segment for piece in pieces for segment in segmenter.feed(piece)] + segmenter.flush()


def test_labels_belong_to_the_sentence_before_them() -> None:
    assert segments([SPOKEN]) == WHOLE


@given(st.lists(st.integers(0, len(SPOKEN)), max_size=12))
def test_how_the_text_is_cut_changes_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(SPOKEN)]
    assert segments([SPOKEN[a:b] for a, b in pairwise(edges)]) == WHOLE


def test_sentences_come_as_soon_as_they_are_whole() -> None:
    segmenter = Segmenter()
    assert segmenter.feed("Uma frase. ") == []
    assert segmenter.feed("[1.1") == []
    assert segmenter.feed("] ") == []
    assert segmenter.feed("Outra") == [Segment("Uma frase.", ("1.1",))]


@pytest.mark.parametrize("text", ["[1]", "[a]", "[1.2.3]", "(1.2)", "1.2", "[9999.1]"])
def test_what_is_not_a_label_stays_text(text: str) -> None:
    assert segments([f"Uma frase {text}"]) == [Segment(f"Uma frase {text}", ())]


@pytest.mark.parametrize("run", [" ", "!", "\t\n"])
def test_a_long_run_of_marks_or_blanks_costs_no_square(run: str) -> None:
    said = segments(["Sim.", run * 500_000, " Não. [1.1]"])
    assert (said[0].text[:4], said[-1]) == ("Sim.", Segment("Não.", ("1.1",), new_line="\n" in run))
