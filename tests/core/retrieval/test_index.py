import pytest

from core.models import TERM_SPACE
from core.retrieval.analyzer import analyze
from core.retrieval.index import MAX_TERMS, REFERENCE_LENGTH, content_hash, index_chunk, term_hash
from tests.core.retrieval.library import Library


def test_a_term_weighs_by_bm25() -> None:
    entry = index_chunk("", "prazo matrícula prazo")
    weights = dict(zip(entry.bm25.indices(), entry.bm25.values(), strict=True))
    norm = 1.2 * (1 - 0.75 + 0.75 * 3 / REFERENCE_LENGTH)
    assert weights[term_hash("praz")] == pytest.approx(2 * 2.2 / (2 + norm))
    assert weights[term_hash(analyze("matrícula").stems[0])] == pytest.approx(2.2 / (1 + norm))


def test_the_header_is_indexed_and_counts() -> None:
    entry = index_chunk("Férias", "O prazo é de trinta dias.")
    assert analyze("férias").stems[0] in entry.lexemes
    assert entry.length == index_chunk("", "Férias. O prazo é de trinta dias.").length


def test_pairs_rank_but_do_not_select() -> None:
    entry = index_chunk("", "prazo matrícula")
    assert len(entry.lexemes) == 2
    assert len(entry.bm25.indices()) == 3


def test_a_chunk_without_words_has_an_empty_entry() -> None:
    entry = index_chunk("", "— … ?!")
    assert (entry.lexemes, entry.length, entry.bm25.indices()) == (frozenset(), 0, [])


def test_a_monstrous_chunk_stays_storable() -> None:
    entry = index_chunk("", " ".join(f"p{i}" for i in range(30_000)))
    assert len(entry.lexemes) == MAX_TERMS
    assert len(entry.bm25.indices()) <= 16_000


def test_header_and_body_are_told_apart() -> None:
    assert content_hash("a", "bc") != content_hash("ab", "c")


async def test_sql_hashes_terms_alike(library: Library) -> None:
    await library.add("um", ["Inscrição e matrícula: prazo"])
    rows = await library.fetch(
        """SELECT term, ('x' || left(encode(sha256(convert_to(term, 'UTF8')), 'hex'), 7))::bit(28)::integer h
           FROM ai.terms"""
    )
    assert len(rows) == 3
    assert all(term_hash(row["term"]) == row["h"] < TERM_SPACE for row in rows)
