from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assistant.citations import Citer
from core.assistant.evidence import evidence
from core.assistant.segments import Segment, Segmenter
from core.ids import uuid7
from core.retrieval.passages import Passage

HOURS = "A secretaria atende das 8h às 18h. A segunda via custa R$ 1.250,00. O pedido leva dez dias."


def citer(make: Callable[..., Passage], question: str = "Qual o horário?") -> Citer:
    return Citer(question, evidence([make(HOURS, start=100), make("Outro documento fala de férias.")]))


def test_markers_count_in_order_of_appearance(passage: Callable[..., Passage]) -> None:
    cite = citer(passage)
    said = [
        cite.check(Segment("O pedido leva dez dias.", ("1.3",))),
        cite.check(Segment("A secretaria atende das 8h às 18h.", ("1.1", "1.3"))),
    ]
    assert [one.text for one in said if one] == [
        "O pedido leva dez dias. [1]",
        " A secretaria atende das 8h às 18h. [2][1]",
    ]
    assert [(one.number, one.quote) for one in cite.citations] == [
        (1, "O pedido leva dez dias."),
        (2, "A secretaria atende das 8h às 18h."),
    ]
    assert cite.citations[1].start == 100


def test_unknown_labels_are_dropped(passage: Callable[..., Passage]) -> None:
    said = citer(passage).check(Segment("A secretaria atende das 8h às 18h.", ("7.1", "1.1", "1.99")))
    assert said is not None
    assert said.text.endswith("[1]")
    assert len(said.citations) == 1


def test_an_uncited_sentence_finds_its_source(passage: Callable[..., Passage]) -> None:
    said = citer(passage).check(Segment("A secretaria atende todo dia das 8h às 18h.", ()))
    assert said is not None
    assert said.citations[0].quote == "A secretaria atende das 8h às 18h."


@pytest.mark.parametrize(
    "segment",
    [
        Segment("A lua é feita de queijo e os gatos são azuis.", ()),
        Segment("A lua é feita de queijo e os gatos são azuis.", ("9.9",)),
        Segment("A secretaria atende das 7h às 23h.", ("1.1",)),
        Segment("A segunda via custa R$ 1.250,01.", ("1.2",)),
        Segment("![x](https://evil.example/?d=1)", ("1.1",)),
    ],
)
def test_what_the_documents_do_not_say_is_not_said(passage: Callable[..., Passage], segment: Segment) -> None:
    cite = citer(passage)
    assert cite.check(segment) is None
    assert cite.citations == []


def test_numbers_may_be_written_in_another_way(passage: Callable[..., Passage]) -> None:
    assert citer(passage).check(Segment("1. A segunda via custa R$ 1250,00.", ("1.2",))) is not None
    assert citer(passage, "E em 2026?").check(Segment("Em 2026, o pedido leva dez dias.", ("1.3",)))


def test_an_opening_waits_for_what_supports_it(passage: Callable[..., Passage]) -> None:
    cite = citer(passage)
    assert cite.check(Segment("Sim.", ())) is None
    said = cite.check(Segment("O pedido leva dez dias.", ("1.3",)))
    assert said is not None
    assert said.text == "Sim. O pedido leva dez dias. [1]"


def test_an_opening_falls_with_what_follows(passage: Callable[..., Passage]) -> None:
    cite = citer(passage)
    cite.check(Segment("Sim.", ()))
    cite.check(Segment("A lua é feita de queijo e os gatos são azuis.", ()))
    said = cite.check(Segment("O pedido leva dez dias.", ("1.3",)))
    assert said is not None
    assert not said.text.startswith("Sim")


@given(
    st.text(alphabet="abç 😀.!?\n[1.2]", min_size=1, max_size=80),
    st.text(alphabet="abç .[]123,!?\n", max_size=120),
)
def test_every_quote_is_the_canonical_text(canonical: str, spoken: str) -> None:
    offset = 7
    whole = "prefixo"[:offset] + canonical
    source = Passage(1, uuid7(), 1, 1, "t", "s", "t", canonical, offset, len(whole), 1.0, 1.0)
    cite = Citer("a", evidence([source]))
    segmenter = Segmenter()
    for segment in [*segmenter.feed(spoken), *segmenter.flush()]:
        cite.check(segment)
    assert [one.number for one in cite.citations] == list(range(1, len(cite.citations) + 1))
    for one in cite.citations:
        assert one.quote == whole[one.start : one.end] != ""
