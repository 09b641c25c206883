import random
import string

import pytest

from core.matching import IdentityKind, Unmatchable, canonical
from core.matching.taxpayer import cnpj_key, cpf_key

CPF, CNPJ, EMAIL, USER = (
    IdentityKind.CPF,
    IdentityKind.CNPJ,
    IdentityKind.EMAIL,
    IdentityKind.WHATSAPP_USER,
)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (CPF, "529.982.247-25", "52998224725"),
        (CNPJ, "12.abc.345/01de-35", "12ABC34501DE35"),
        (CNPJ, "11.222.333/0001-81", "11222333000181"),
        (EMAIL, "JOAO@Example.COM", "joao@example.com"),
        (EMAIL, "jo\u00e3o@example.com", "joa\u0303o@example.com."),
        (EMAIL, "a@caf\u00e9.example", "a@xn--caf-dma.example"),
    ],
)
def test_spellings_of_one(kind: IdentityKind, one: str, other: str) -> None:
    assert canonical(kind, one) == canonical(kind, other)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (EMAIL, "ana+loja@example.com", "ana@example.com"),
        (EMAIL, "a.na@example.com", "ana@example.com"),
        (EMAIL, "mariana@example.com", "ana@example.com"),
        (USER, "BR.abc", "BR.Abc"),
        (USER, "BR.abc", "BR.ENT.abc"),
    ],
)
def test_two_are_two(kind: IdentityKind, one: str, other: str) -> None:
    assert canonical(kind, one) != canonical(kind, other)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((CPF, f"{digit}" * 11) for digit in range(10)),
        *(
            (CPF, text)
            for text in ("52998224724", "1234567890", "191", "", "\uff15\uff122998224725", "5299822472a")
        ),
        *(
            (CNPJ, text)
            for text in ("0" * 14, "11222333000182", "12ABC34501DE34", "12ABC34501DE3A", "1" * 15)
        ),
        *(
            (EMAIL, text)
            for text in ("", "a", "a@", "@b.c", "a b@c.d", "a@b", "a@b..c", "a@[1.2.3.4]", "a@-b.c")
        ),
        *(
            (EMAIL, text)
            for text in (f"{'a' * 65}@b.c", f"a@{'b' * 64}.c", "a\x00@b.c", "a@xn--\u00e9.c", "a@b@")
        ),
        *(
            (USER, text)
            for text in ("", "BR.", "br.abc", "BRA.abc", "BR.a b", f"BR.{'a' * 129}", "5511987654321")
        ),
    ],
)
def test_what_is_no_such_thing_is_refused_without_being_repeated(kind: IdentityKind, text: str) -> None:
    with pytest.raises(Unmatchable) as refusal:
        canonical(kind, text)
    assert len(text) < 5 or text not in str(refusal.value)


def weighted(values: list[int], weights: list[int]) -> int:
    rest = sum(value * weight for value, weight in zip(values, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def test_check_digits_agree_with_the_published_formula() -> None:
    dice = random.Random(7)
    for _ in range(3_000):
        nine = [dice.randrange(10) for _ in range(9)]
        ten = [*nine, weighted(nine, [*range(10, 1, -1)])]
        digits = "".join(map(str, [*ten, weighted(ten, [*range(11, 1, -1)])]))
        assert cpf_key(digits) == digits
        root = dice.choices(string.digits + string.ascii_uppercase, k=12)
        values = [ord(char) - 48 for char in root]
        first = weighted(values, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
        second = weighted([*values, first], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
        text = "".join(root) + f"{first}{second}"
        assert cnpj_key(text) == text
        wrong = f"{text[:13]}{(second + 1) % 10}"
        with pytest.raises(Unmatchable):
            cnpj_key(wrong)


def test_the_order_of_kinds_is_their_strength() -> None:
    assert sorted(IdentityKind, key=lambda kind: kind.strength) == list(IdentityKind)
    assert USER.strength < CPF.strength < IdentityKind.PHONE.strength < EMAIL.strength
