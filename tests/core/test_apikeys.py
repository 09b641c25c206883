import pytest

from core import apikeys


def test_a_minted_key_is_recognised_by_its_hash_alone() -> None:
    key = apikeys.mint("dev")
    parsed = apikeys.parse(key.plaintext)
    assert parsed is not None
    public_id, secret = parsed
    assert public_id == key.public_id
    assert apikeys.matches(secret, key.secret_sha256)
    assert not apikeys.matches(secret[:-1] + ("A" if secret[-1] != "A" else "B"), key.secret_sha256)


def test_keys_are_never_the_same() -> None:
    keys = {apikeys.mint("dev").plaintext for _ in range(100)}
    assert len(keys) == 100


@pytest.mark.parametrize("text", ["", "cgp_dev_x_y", "cgp_dev_abcdefghij_" + "A" * 42, "a" * 1_000_000])
def test_what_is_not_a_key_is_nothing(text: str) -> None:
    assert apikeys.parse(text) is None
