import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker_service.documents.canonical import CanonicalDocument, canonicalize
from worker_service.documents.chunk import HARD_MAXIMUM, LONGEST, SHORTEST, Chunk, split
from worker_service.documents.extract import Block, Extracted, Kind

WORDS = "cooperado agência conta cartão boleto parcela juros prazo margem folha pedido contrato saldo".split()
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(lambda words: " ".join(words) + ".")
TEXT = st.one_of(
    SENTENCE,
    st.lists(SENTENCE, max_size=30).map(" ".join),
    st.text(max_size=300),
    st.integers(1, 7_000).map(lambda n: "x" * n),
    SENTENCE.map(lambda s: s[:-1] + "?"),
)
BLOCK = st.builds(Block, st.sampled_from(Kind), TEXT, st.integers(1, 6), st.none())


def document(*blocks: Block, title: str = "Manual") -> CanonicalDocument:
    return canonicalize(Extracted(None, blocks), title=title, source=None)


def paragraph(text: str) -> Block:
    return Block(Kind.PARAGRAPH, text)


def heading(text: str, level: int = 1) -> Block:
    return Block(Kind.HEADING, text, level)


def prose(seed: int, sentences: int) -> list[str]:
    chance = random.Random(seed)
    return [
        " ".join(chance.choices(WORDS, k=chance.randint(8, 25))).capitalize()
        + f" {chance.randint(1, 10**6)}."
        for _ in range(sentences)
    ]


def bodies(doc: CanonicalDocument, chunks: list[Chunk]) -> list[str]:
    return [doc.text[chunk.start : chunk.end] for chunk in chunks]


@settings(max_examples=150, deadline=None)
@given(st.lists(BLOCK, max_size=25))
def test_chunks_are_exact_ordered_bounded_and_complete(blocks: list[Block]) -> None:
    doc = document(*blocks)
    chunks = split(doc)
    assert chunks == split(doc)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    position = 0
    for chunk in chunks:
        body = doc.text[chunk.start : chunk.end]
        assert doc.text[position : chunk.start].strip() == ""
        assert body == body.strip()
        assert 0 < len(body) <= HARD_MAXIMUM
        assert chunk.header.startswith("Manual")
        position = chunk.end
    assert doc.text[position:].strip() == ""


def test_prose_is_cut_at_sentences_into_the_wanted_range() -> None:
    doc = document(*(paragraph(" ".join(prose(seed, 12))) for seed in range(60)))
    chunks = split(doc)
    lengths = [chunk.end - chunk.start for chunk in chunks]
    assert sum(SHORTEST <= length <= LONGEST for length in lengths) >= 0.7 * len(lengths)
    assert all(SHORTEST - 200 <= length <= LONGEST + 200 for length in lengths)
    assert all(body.endswith(".") for body in bodies(doc, chunks))


@pytest.mark.parametrize("unit", ["palavra ", "x", "a\n", "é"])
def test_text_without_any_sentence_end_is_bounded_too(unit: str) -> None:
    chunks = split(document(paragraph(unit * (60_000 // len(unit)))))
    assert max(chunk.end - chunk.start for chunk in chunks) <= HARD_MAXIMUM
    assert len(chunks) < 60_000 / 700


def changed_share(before: CanonicalDocument, after: CanonicalDocument) -> float:
    old = {(chunk.header, before.text[chunk.start : chunk.end]) for chunk in split(before)}
    new = [(chunk.header, after.text[chunk.start : chunk.end]) for chunk in split(after)]
    return sum(chunk not in old for chunk in new) / len(new)


def test_a_change_of_one_percent_in_one_place_changes_two_percent_of_the_chunks() -> None:
    shares = []
    for seed in range(8):
        sentences = prose(seed, 3_000)
        place = random.Random(seed).randrange(2_900)
        edited = [*sentences[:place], *prose(seed + 100, 30), *sentences[place + 30 :]]
        before, after = document(paragraph(" ".join(sentences))), document(paragraph(" ".join(edited)))
        shares.append(changed_share(before, after))
    assert sum(shares) / len(shares) <= 0.02


def test_one_new_sentence_changes_few_chunks() -> None:
    shares = []
    for seed in range(8):
        sentences = prose(seed, 1_000)
        place = random.Random(seed).randrange(900)
        edited = [*sentences[:place], "Uma frase nova.", *sentences[place:]]
        before, after = document(paragraph(" ".join(sentences))), document(paragraph(" ".join(edited)))
        shares.append(changed_share(before, after))
    # There are about 115 chunks: on average fewer than three of them are new.
    assert sum(shares) / len(shares) <= 0.025


def test_sections_begin_chunks_and_headers_tell_the_path() -> None:
    doc = document(
        heading("Manual"), paragraph("Abertura."), heading("Conta", 2), heading("Abrir", 3),
        paragraph("Passos."), heading("Fechar", 3), paragraph("Aviso."), heading("Cartão", 2),
        paragraph("Limite."), heading("Anexo"),
    )  # fmt: skip
    assert [(chunk.header, doc.text[chunk.start : chunk.end]) for chunk in split(doc)] == [
        ("Manual", "Manual\n\nAbertura."),
        ("Manual › Conta › Abrir", "Conta\n\nAbrir\n\nPassos."),
        ("Manual › Conta › Fechar", "Fechar\n\nAviso."),
        ("Manual › Cartão", "Cartão\n\nLimite."),
        ("Manual › Anexo", "Anexo"),
    ]


def test_a_heading_stays_with_what_follows() -> None:
    doc = document(heading("Longa"), *(paragraph(sentence) for sentence in prose(1, 40)))
    assert doc.text[split(doc)[0].end - 1] == "."


def test_questions_are_chunks_of_their_own_with_the_question_in_the_header() -> None:
    doc = document(
        heading("Dúvidas"),
        *map(paragraph, ["Abre?", "Sim.", "Fecha?", "Às 16h."]),
        heading("Fim"),
        paragraph("Até."),
    )
    assert [(chunk.header, doc.text[chunk.start : chunk.end]) for chunk in split(doc)] == [
        ("Manual › Dúvidas › Abre?", "Dúvidas\n\nAbre?\nSim."),
        ("Manual › Dúvidas › Fecha?", "Fecha?\nÀs 16h."),
        ("Manual › Fim", "Fim\n\nAté."),
    ]


def test_table_rows_stay_whole() -> None:
    rows = [
        Block(Kind.TABLE_ROW, f"Serviço: {n}. {sentence} Valor: R$ {n},00")
        for n, sentence in enumerate(prose(3, 80))
    ]
    doc = document(*rows)
    lines = [line for body in bodies(doc, split(doc)) for line in body.split("\n")]
    assert lines == [row.text for row in rows]


def test_headers_are_bounded() -> None:
    doc = document(*(heading("t" * 250, level) for level in range(1, 7)), paragraph("x"))
    assert max(len(chunk.header) for chunk in split(doc)) <= 400


def test_nothing_gives_nothing() -> None:
    assert split(document()) == []


def test_neighbours_do_not_overlap() -> None:
    chunks = split(document(*(paragraph(" ".join(prose(seed, 9))) for seed in range(20))))
    assert all(left.end < right.start for left, right in pairwise(chunks))
