import pytest
from pydantic_core import PydanticCustomError

from core import passwords


def test_a_password_is_recognised_by_its_hash_alone() -> None:
    stored = passwords.hash_password("correto cavalo bateria")
    assert stored.startswith("$argon2id$")
    assert passwords.verify("correto cavalo bateria", stored) == (True, None)
    assert passwords.verify("correto cavalo Bateria", stored) == (False, None)
    assert stored != passwords.hash_password("correto cavalo bateria")


def test_a_hash_of_weaker_parameters_is_replaced() -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x")
    right, fresh = passwords.verify("x", weak)
    assert right
    assert fresh is not None
    assert passwords.verify("x", fresh) == (True, None)


@pytest.mark.parametrize("stored", ["", "x", "$2b$12$notargon", "$argon2id$v=19$m=1,t=1,p=1$"])
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert passwords.verify("x", stored) == (False, None)


def test_one_password_however_it_is_composed() -> None:
    assert passwords.normalised("cafe\u0301") == passwords.normalised("caf\u00e9")
    assert passwords.normalised("  a  b ") == "  a  b "
    for unwritable in ("a\x00b", "\ud800", "a\nb"):
        with pytest.raises(PydanticCustomError):
            passwords.normalised(unwritable)


def test_generated_passwords_are_long_and_never_the_same() -> None:
    made = {passwords.generate() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) >= passwords.LEAST_LENGTH for password in made)
