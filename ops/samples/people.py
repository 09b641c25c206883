"""People who do not exist: names drawn from lists, CPFs of random digits with the right check digits."""

from random import Random
from typing import NamedTuple

GIVEN = tuple("Ana Bruna Caio Davi Elisa Fábio Gilda Hugo Íris João Karina Luís Márcia Nélio Olga".split())
FAMILY = tuple("Araújo Brandão Conceição da Cunha dos Anjos Feitosa Guimarães Lustosa Pádua Sá".split())
_BASE = 10**9


class Someone(NamedTuple):
    """A made-up person."""

    cpf: str
    name: str


def someone(random: Random) -> Someone:
    """Another one each time, the same ones from the same seed."""
    names = [random.choice(GIVEN), *random.sample(FAMILY, 3)]
    return Someone(cpf_of(random.randrange(1, _BASE)), " ".join(names))


def cpf_of(base: int) -> str:
    """The CPF of these nine digits: each check digit is 11 minus the weighted sum modulo 11, 0 from 10 on."""
    digits = [int(digit) for digit in f"{base:09}"]
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)  # noqa: PLR2004 - the rule of the Receita Federal
    return "".join(map(str, digits))
