from core.contacts.decision import decide
from core.contacts.keys import Key
from core.matching import IdentityKind

USER, CPF, OTHER_CPF, PHONE, EMAIL = (
    Key(IdentityKind.WHATSAPP_USER, "BR.1"),
    Key(IdentityKind.CPF, "x"),
    Key(IdentityKind.CPF, "y"),
    Key(IdentityKind.PHONE, "br:1187654321"),
    Key(IdentityKind.EMAIL, "a@b.c"),
)


def test_nobody_known_is_a_new_client_with_all_of_it() -> None:
    found = decide([CPF, PHONE], {}, {})
    assert (found.client, found.attach, found.is_conflict) == (None, (CPF, PHONE), False)


def test_one_known_takes_the_rest() -> None:
    found = decide([CPF, PHONE, EMAIL], {PHONE: 1}, {})
    assert (found.client, found.attach, found.is_conflict) == (1, (CPF, EMAIL), False)


def test_two_known_are_a_conflict_and_the_strongest_gets_it() -> None:
    for keys, owners, expected in (
        ([USER, CPF], {USER: 2, CPF: 1}, 2),
        ([CPF, PHONE], {CPF: 2, PHONE: 1}, 2),
        ([PHONE, EMAIL], {PHONE: 2, EMAIL: 1}, 2),
    ):
        found = decide(keys, owners, {})
        assert (found.client, found.rivals, found.is_conflict) == (expected, {1, 2}, True)


def test_a_phone_that_changed_hands_does_not_lead_to_another_cpf() -> None:
    found = decide([CPF, PHONE], {PHONE: 1}, {1: OTHER_CPF})
    assert (found.client, found.attach, found.rivals, found.is_conflict) == (None, (CPF,), {1}, True)


def test_a_weaker_identity_without_contradiction_is_preferred_to_nobody() -> None:
    found = decide([CPF, PHONE, EMAIL], {PHONE: 1, EMAIL: 2}, {1: OTHER_CPF})
    assert (found.client, found.attach, found.rivals, found.is_conflict) == (2, (CPF,), {1, 2}, True)


def test_nobody_gets_a_second_cpf() -> None:
    found = decide([USER, CPF], {USER: 1}, {1: OTHER_CPF})
    assert (found.client, found.attach, found.rivals, found.is_conflict) == (1, (), {1}, True)


def test_the_same_cpf_is_no_contradiction() -> None:
    found = decide([CPF, PHONE], {CPF: 1}, {1: CPF})
    assert (found.client, found.attach, found.is_conflict) == (1, (PHONE,), False)


def test_a_silent_phone_leads_to_nobody_and_goes_to_whoever_uses_it_now() -> None:
    found = decide([PHONE], {PHONE: 1}, {}, {PHONE})
    assert (found.client, found.attach, found.retire) == (None, (PHONE,), (PHONE,))
    assert (found.rivals, found.is_conflict) == ({1}, True)


def test_a_silent_phone_beside_another_s_identity_goes_to_them() -> None:
    found = decide([CPF, PHONE], {CPF: 2, PHONE: 1}, {}, {PHONE})
    assert (found.client, found.attach, found.retire) == (2, (PHONE,), (PHONE,))
    assert (found.rivals, found.is_conflict) == ({1, 2}, True)


def test_a_silent_phone_beside_an_identity_of_the_same_client_is_theirs_again() -> None:
    found = decide([PHONE, EMAIL], {PHONE: 1, EMAIL: 1}, {}, {PHONE})
    assert (found.client, found.attach, found.retire, found.is_conflict) == (1, (), (), False)
