from hypothesis import given
from hypothesis import strategies as st

from core.assistant.evidence import evidence
from core.ids import uuid7
from core.retrieval.passages import Passage

CANONICAL = st.text(alphabet="aZ é😀.!?:\n-1 ", min_size=1, max_size=200)


def chunk(canonical: str, start: int, end: int) -> Passage:
    return Passage(1, uuid7(), 1, 1, "t", "s", "t", canonical[start:end], start, end, 1.0, 1.0)


@given(CANONICAL, st.data())
def test_every_sentence_is_an_exact_span_of_the_canonical_text(canonical: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(canonical) - 1))
    end = data.draw(st.integers(start + 1, len(canonical)))
    for sentence in evidence([chunk(canonical, start, end)]):
        assert sentence.text == canonical[sentence.start : sentence.end] != ""
        assert start <= sentence.start < sentence.end <= end


def test_labels_count_passages_and_sentences_from_one() -> None:
    first, second = "Uma frase. Outra frase.", "Terceira frase."
    found = evidence([chunk(first, 0, len(first)), chunk(second, 0, len(second))])
    assert [sentence.label for sentence in found] == ["1.1", "1.2", "2.1"]


def test_a_list_stays_with_the_line_that_announces_it() -> None:
    text = "Leve os documentos:\n- RG;\n- CPF;\n2) comprovante.\nO prazo é de dez dias."
    assert [sentence.text for sentence in evidence([chunk(text, 0, len(text))])] == [
        "Leve os documentos:\n- RG;\n- CPF;\n2) comprovante.",
        "O prazo é de dez dias.",
    ]


def test_an_endless_list_is_cut() -> None:
    text = "Itens:\n" + "\n".join(f"- item {number}" for number in range(500))
    found = evidence([chunk(text, 0, len(text))])
    assert len(found) > 1
    assert len(found[0].text) <= 1200
