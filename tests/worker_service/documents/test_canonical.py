import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_service.documents.canonical import CanonicalDocument, canonicalize, clean
from worker_service.documents.extract import Block, Extracted, Kind

BLOCKS = st.lists(
    st.builds(
        Block,
        st.sampled_from([Kind.HEADING, Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.TABLE_ROW]),
        st.text(max_size=80),
        st.integers(1, 6),
        st.none() | st.integers(1, 9),
    ),
    max_size=20,
)


def canonical(
    *blocks: Block, title: str | None = None, own: str | None = None, source: str | None = None
) -> CanonicalDocument:
    return canonicalize(Extracted(own, blocks), title=title, source=source)


def paragraph(text: str) -> Block:
    return Block(Kind.PARAGRAPH, text)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ac\u0327a\u0303o", "ação"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("  a \t\u00a0 b  \n\n\n c ", "a b\nc"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("a\u200bb\ufeffc\u00add\u2060e\u202ef\U000e0041g", "abcdefg"),
        ("x\ufe0fy\U000e0101z", "xyz"),
        ("a\ud800b\udfff", "ab"),
        ("a\u200b\u0301", "á"),
        ("😀 ½ ﬁ ²", "😀 ½ ﬁ ²"),
        ("\u0378\uffff", ""),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@given(st.text())
def test_clean_is_final_and_visible(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in cleaned.replace("\n", ""))
    cleaned.encode()


@given(BLOCKS)
def test_spans_are_exact_and_cover_the_text(blocks: list[Block]) -> None:
    document = canonical(*blocks)
    assert document == canonical(*blocks)
    position = 0
    for span in document.spans:
        assert document.text[position : span.start].strip() == ""
        assert document.text[span.start : span.end].strip()
        position = span.end
    assert position == len(document.text)
    for section in document.outline:
        assert document.text.startswith(section.title[:1], section.start)


def test_layout_keeps_lists_close() -> None:
    document = canonical(
        Block(Kind.HEADING, "T", 1),
        paragraph("a"),
        paragraph(" \u200b "),
        Block(Kind.LIST_ITEM, "b"),
        Block(Kind.LIST_ITEM, "c"),
    )
    assert document.text == "T\n\na\n\nb\nc"
    assert document.outline == ((1, "T", 0),)


@pytest.mark.parametrize(
    ("given_title", "own", "source", "expected"),
    [
        ("Dado", "Próprio", "x.pdf", "Dado"),
        (" \u200b", "Próprio\n dois ", "x.pdf", "Próprio dois"),
        (None, None, "x.pdf", "Primeiro"),
        (None, "", None, "Primeiro"),
    ],
)
def test_titles_in_order_of_trust(
    given_title: str | None, own: str | None, source: str | None, expected: str
) -> None:
    assert (
        canonical(Block(Kind.HEADING, "Primeiro", 1), title=given_title, own=own, source=source).title
        == expected
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://a.example/docs/Tabela%20de_pre%C3%A7os-2026.pdf?x=1", "Tabela de preços 2026"),
        ("pasta/horario.md", "horario"),
        ("https://a.example/", ""),
        (None, ""),
    ],
)
def test_the_source_names_what_has_no_title(source: str | None, expected: str) -> None:
    assert canonical(paragraph("x"), source=source).title == expected


def test_questions_keep_their_answers() -> None:
    document = canonical(
        *map(paragraph, ["Introdução.", "Abre sábado?", "Não.", "Só a central.", "1) E domingo?", "Nunca."]),
        Block(Kind.LIST_ITEM, "nem feriado"),
        paragraph("Outro assunto."),
        Block(Kind.HEADING, "Fim", 2),
        paragraph("Sem resposta?"),
    )
    assert [(span.kind, document.text[span.start : span.end]) for span in document.spans] == [
        ("paragraph", "Introdução."),
        ("question_answer", "Abre sábado?\nNão.\nSó a central."),
        ("question_answer", "1) E domingo?\nNunca.\nnem feriado"),
        ("paragraph", "Outro assunto."),
        ("heading", "Fim"),
        ("paragraph", "Sem resposta?"),
    ]


def test_a_question_does_not_swallow_a_chapter() -> None:
    document = canonical(
        paragraph("Por quê?"), paragraph("a" * 1_600), paragraph("b"), paragraph("E?"), paragraph("c")
    )
    assert [span.kind for span in document.spans] == [
        "paragraph",
        "paragraph",
        "paragraph",
        "question_answer",
    ]
