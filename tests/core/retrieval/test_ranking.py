import pytest

from core.retrieval.fusion import zscores
from core.retrieval.metrics import quality
from core.retrieval.rerank import Candidate, rerank
from core.retrieval.spelling import typo_keys


def best(question: str, *bodies: str, headers: tuple[str, ...] = ()) -> int:
    headers = headers or ("",) * len(bodies)
    scores = rerank(question, [Candidate(h, b, 1.0) for h, b in zip(headers, bodies, strict=True)])
    return scores.index(max(scores))


def test_one_sentence_that_says_it_all_beats_scattered_words() -> None:
    scattered = "O prazo venceu. A matrícula abriu. O recurso veio."
    together = "O tempo passou. O prazo do recurso da matrícula acaba. Fim."
    assert best("prazo do recurso da matrícula", scattered, together) == 1


def test_forms_and_typing_errors_overlap() -> None:
    assert best("contribuicoes cientifcas", "Ele lavou o carro.", "A obra contribuiu com a ciência.") == 1


def test_a_definition_is_preferred_to_a_mention() -> None:
    mention = "Hoje o estágio é citado em muitos textos sobre o ensino e o estágio vale pontos no ensino."
    definition = "O estágio é o ato educativo escolar. Nele se aprende."
    assert best("O que é o estágio?", "Muito se fala do estágio.", definition, mention) == 1


def test_the_header_speaks_for_its_sentences() -> None:
    assert best("férias do servidor", "Trinta dias.", "Trinta dias.", headers=("", "Férias do servidor")) == 1


@pytest.mark.parametrize("question", ["", "o que é?", "?" * 10_000, "palavra " * 10_000])
def test_any_question_has_scores(question: str) -> None:
    assert len(rerank(question, [Candidate("", "", 0.0), Candidate("a", "texto.\n\n. ?", 1.0)])) == 2


def test_nothing_to_rank() -> None:
    assert rerank("prazo", []) == []


def test_zscores_have_no_mean_and_unit_spread() -> None:
    assert zscores([1.0, 3.0, None]) == [-1.0, 1.0, 0.0]
    assert zscores([2.0, 2.0]) == [0.0, 0.0]
    assert zscores([None]) == [0.0]
    assert zscores([]) == []


def test_quality_of_known_ranks() -> None:
    measured = quality([0, 1, 9, 10, None])
    assert measured.ndcg == pytest.approx((1 + 0.63093 + 0.28906) / 5, abs=1e-4)
    assert (measured.recall_1, measured.recall_10) == (0.2, 0.6)
    assert quality([]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("typo", ["matrcul", "mtaricul", "matriculs", "natricul", "matrriicul"[:8]])
def test_a_slip_shares_a_key(typo: str) -> None:
    assert set(typo_keys("matricul")) & set(typo_keys(typo))


def test_short_words_are_not_guessed() -> None:
    assert typo_keys("cpf") == []


def test_keys_fit_a_signed_column() -> None:
    assert all(
        -(2**31) <= key < 2**31 for word in ("matricul", "praz", "servidor") for key in typo_keys(word)
    )
