import csv
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from core.assistant.intent import Intent, read, read_by_rules
from core.assistant.shorthand import is_one_slip, spoken
from core.llm.openai_compatible import OpenAICompatible
from tests.fake_llm import Script, failing, fake_llm, garbage, saying

LABELLED = Path(__file__).parent.parent.parent / "data" / "intents.tsv"


def labelled(part: str) -> list[tuple[Intent, str]]:
    with LABELLED.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [(Intent(row["label"]), row["sentence"]) for row in rows if row["part"] == part]


@pytest.mark.parametrize(("part", "at_least"), [("tune", 0.99), ("held", 0.96)])
def test_the_rules_read_sentences_they_were_and_were_not_written_for(part: str, at_least: float) -> None:
    sentences = labelled(part)
    right = [read_by_rules(sentence).intent is intent for intent, sentence in sentences]
    assert sum(right) / len(right) >= at_least


def test_the_labelled_sentences_are_many_and_balanced() -> None:
    counts: dict[Intent, int] = defaultdict(int)
    for intent, _ in labelled("tune") + labelled("held"):
        counts[intent] += 1
    assert sum(counts.values()) >= 200
    assert min(counts.values()) * 2 > max(counts.values())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Oiiii", "oi"),
        ("vc n abre?", "voce nao abre"),
        ("presiso de atendete", "preciso de atendente"),
        ("obrigadooo", "obrigado"),
        ("carro passou", "carro passou"),
        ("conta", "conta"),
    ],
)
def test_shorthand_and_slips_are_undone(typed: str, meant: str) -> None:
    assert spoken(typed) == meant


@pytest.mark.parametrize(
    ("written", "known", "is_slip"),
    [
        ("atendete", "atendente", True),
        ("atendenet", "atendente", True),
        ("atendentee", "atendente", True),
        ("atemdente", "atendente", True),
        ("stendente", "atendente", False),
        ("atender", "atendente", False),
        ("onde", "ondas", False),
    ],
)
def test_one_slip_is_one_slip(written: str, known: str, is_slip: bool) -> None:
    assert is_one_slip(written, known) is is_slip


@pytest.mark.parametrize("said", ["👍", "...", "!!!"])
def test_what_has_no_words_is_a_nod(said: str) -> None:
    assert read_by_rules(said).intent is Intent.THANKS


@pytest.mark.parametrize(
    ("sentence", "intent"),
    [
        ("fatura de outubro", Intent.SUPPORT),  # the rules would guess
        ("quero falar com um atendente", Intent.SUPPORT),  # they know
    ],
)
async def test_a_model_decides_what_the_rules_are_unsure_of(sentence: str, intent: Intent) -> None:
    async with fake_llm(saying("PEDIDO_SUPORTE")) as llm, httpx.AsyncClient(trust_env=False) as client:
        assert await read(sentence, OpenAICompatible(client, llm.url, "m", timeout=5)) is intent
    assert len(llm.asked) == (not read_by_rules(sentence).is_sure)


@pytest.mark.parametrize("script", [saying("não sei dizer"), saying(""), failing(500), garbage("{")])
async def test_a_model_that_fails_leaves_the_guess_of_the_rules(script: Script) -> None:
    async with fake_llm(script) as llm, httpx.AsyncClient(trust_env=False) as client:
        model = OpenAICompatible(client, llm.url, "m", timeout=5)
        assert await read("fatura de outubro", model) is Intent.QUESTION
