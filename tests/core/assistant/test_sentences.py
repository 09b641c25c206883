import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assistant.sentences import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "O Sr. Silva e a Dra. Ana moram na Av. Brasil, nº 5, apto. 12.",
        "Conforme o art. 5º e os arts. 7 e 8, inc. II, da Lei nº 13.709/2018, cabe recurso.",
        "Custa R$ 1.234,56 por mês.",
        "Abre às 10h30 e fecha às 17h.",
        "Escreva para ana.silva@aurora.example ou veja www.aurora.example/a.b?c=d. e aguarde.",
        "Traga documentos, p. ex. RG e CPF.",
        "O Dr. J. C. Souza atende na R. das Flores.",
        "Ligue para o tel. (00) 4000-0100, ramal 12.",
        "1. Abra o aplicativo.",
        "a. Traga o contrato.",
        "Ele disse... e saiu.",
        "De seg. a sex. das 8h às 18h.",
        "Veja a pág. 12 e a fl. 3.",
        "A Cia. Aurora e a S.A. Norte respondem.",
    ],
)
def test_one_sentence_stays_one(sentence: str) -> None:
    assert cut(sentence) == [sentence]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Abre às 8h. Fecha às 17h.", ["Abre às 8h.", "Fecha às 17h."]),
        ("Pode? Sim! Claro… Então vá.", ["Pode?", "Sim!", "Claro…", "Então vá."]),
        ("Disse “venha.” Ele veio (hoje.) Fim", ["Disse “venha.”", "Ele veio (hoje.)", "Fim"]),
        ("Custa R$ 5. Depois sobe.", ["Custa R$ 5.", "Depois sobe."]),
        ("Traga RG, CPF etc. Depois assine.", ["Traga RG, CPF etc.", "Depois assine."]),
        ("Ninguém disse não. Os demais saíram.", ["Ninguém disse não.", "Os demais saíram."]),
        ("Fale com ela no dia dez. Assine.", ["Fale com ela no dia dez.", "Assine."]),
        ("  um\n\ndois  \n três", ["um", "dois", "três"]),
        ("Qual o prazo? 5 dias.", ["Qual o prazo?", "5 dias."]),
        ("", []),
        (" \n ", []),
        ("...", ["..."]),
    ],
)
def test_boundaries(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@given(st.text(alphabet=st.sampled_from("aBç.!? \n\"'”)1"), max_size=200) | st.text(max_size=200))
def test_spans_are_ordered_trimmed_and_complete(text: str) -> None:
    position = 0
    for start, end in sentences(text):
        assert not text[position:start].strip()
        assert text[start:end]
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@pytest.mark.parametrize("unit", ["sr. X ", "a. b ", ". ", "?", "A.", "x", "1. "])
def test_costs_linear_time(unit: str) -> None:
    # A quadratic rule would need minutes here and meet the suite's time limit.
    sentences(unit * 200_000)
