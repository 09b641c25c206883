from collections.abc import Callable

import pytest

from core.assistant.evidence import evidence
from core.assistant.extractive import MOST_SENTENCES, extract, rank
from core.retrieval.passages import Passage

OFFICE = (
    "A secretaria fica no prédio central. O atendimento vai de segunda a sexta, das 8h às 18h. "
    "A taxa de segunda via custa R$ 25,00. O pedido é analisado por Maria Souza em até 10 dias úteis. "
    "Em caso de dúvida, ligue para (61) 3333-4444."
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Qual o horário de atendimento?", "das 8h às 18h"),
        ("qual o horario de atendimento da secretaria", "das 8h às 18h"),
        ("Quanto custa a segunda via?", "R$ 25,00"),
        ("Onde fica a secretaria?", "prédio central"),
        ("Quem analisa o pedido?", "Maria Souza"),
        ("Qual o prazo de análise do pedido?", "10 dias úteis"),
        ("Qual o telefone para dúvidas?", "3333-4444"),
        ("Qual a taxa da segunda via?", "R$ 25,00"),
    ],
)
def test_the_first_sentence_answers(passage: Callable[..., Passage], question: str, expected: str) -> None:
    noise = passage("O protocolo digital registra pedidos e dúvidas. A secretaria responde.", score=0.6)
    assert expected in extract(question, evidence([passage(OFFICE), noise]))[0].text


def test_a_question_in_the_text_points_to_its_answer(passage: Callable[..., Passage]) -> None:
    text = "Qual o horário de atendimento? Das 8h às 18h. Posso levar acompanhante? Sim, um."
    assert extract("Qual o horário de atendimento?", evidence([passage(text)]))[0].text == "Das 8h às 18h."


def test_a_heading_is_never_the_answer(passage: Callable[..., Passage]) -> None:
    text = "Horário de atendimento\nSegunda a sexta, das 8h às 18h."
    assert extract("Qual o horário de atendimento?", evidence([passage(text)]))[0].text.startswith("Segunda")


def test_repeating_the_question_answers_nothing(passage: Callable[..., Passage]) -> None:
    text = "Esqueci minha senha. Toque em recuperar senha e confirme o código."
    assert extract("esqueci minha senha", evidence([passage(text)]))[0].text.startswith("Toque")


def test_the_header_counts_as_context(passage: Callable[..., Passage]) -> None:
    fee = passage("O valor é de R$ 80,00.", header="Tabela de preços › Certidão")
    other = passage("O valor é de R$ 15,00.", header="Tabela de preços › Cópia")
    assert "80" in extract("Qual o valor da certidão?", evidence([other, fee]))[0].text


def test_at_most_three_distinct_sentences(passage: Callable[..., Passage]) -> None:
    same = [passage("O prazo é de 5 dias.") for _ in range(5)]
    assert len(extract("Qual o prazo?", evidence(same))) == 1
    several = [passage(f"O prazo é de {days} dias.") for days in range(2, 9)]
    assert len(extract("Qual o prazo?", evidence(several))) == MOST_SENTENCES


def test_nothing_to_choose_from() -> None:
    assert extract("Qual o prazo?", []) == []


def test_ranking_is_total_and_stable(passage: Callable[..., Passage]) -> None:
    sentences = evidence([passage("Gato. Rato."), passage("Pato. Sapo.")])
    ranked = rank("xyz", sentences)
    assert [candidate.sentence.label for candidate in ranked] == ["1.1", "1.2", "2.1", "2.2"]
