import base64

import pytest
from pydantic import SecretStr, ValidationError

from core.settings import Environment, Settings
from core.vault import Unreadable, Vault, VaultClosed

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRET = b"a secret of thirty-two characters"
PROD = {"DATABASE_URL": "postgresql://u:hunter2hunter2@h/d", "env": Environment.PROD}
KEY = f"k1:{base64.b64encode(OLD).decode()}"
GOOD = {"field_keys": KEY, "match_secret": SECRET.decode(), "token_secret": SECRET.decode()}


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    vault = Vault({"k1": OLD}, SECRET)
    sealed = vault.seal(b"529.982.247-25", context="here")
    assert b"529" not in sealed
    assert sealed != vault.seal(b"529.982.247-25", context="here")
    assert vault.open(sealed, context="here") == b"529.982.247-25"


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    sealed = Vault({"k1": OLD}, SECRET).seal(b"x", context="c")
    rotated = Vault({"k2": NEW, "k1": OLD}, SECRET)
    assert rotated.open(sealed, context="c") == b"x"
    with pytest.raises(Unreadable, match="not configured"):
        Vault({"k1": OLD}, SECRET).open(rotated.seal(b"x", context="c"), context="c")


@pytest.mark.parametrize("broken", [b"", b"\x02", b"\xff" * 40, b"\x02k1short"])
def test_damage_is_told(broken: bytes) -> None:
    with pytest.raises(Unreadable):
        Vault({"k1": OLD}, SECRET).open(broken, context="c")


def test_a_value_opens_only_in_its_own_place_and_whole() -> None:
    vault = Vault({"k1": OLD}, SECRET)
    sealed = vault.seal(b"x", context="row 1")
    with pytest.raises(Unreadable, match="another place"):
        vault.open(sealed, context="row 2")
    with pytest.raises(Unreadable, match="damaged"):
        vault.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), context="row 1")


def test_digests_match_within_a_kind_and_a_secret_only() -> None:
    vault = Vault({"k1": OLD}, SECRET)
    assert vault.digest("cpf", b"1") == Vault({"k2": NEW}, SECRET).digest("cpf", b"1")
    others = {
        vault.digest("cnpj", b"1"),
        vault.digest("cp", b"f1"),
        Vault({"k1": OLD}, b"z").digest("cpf", b"1"),
    }
    assert vault.digest("cpf", b"1") not in others


def test_without_keys_the_vault_is_closed() -> None:
    settings = Settings(_env_file=None, DATABASE_URL="postgresql://h/d", field_keys=None, match_secret=None)
    with pytest.raises(VaultClosed):
        Vault.of(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"field_keys": None},
        {"match_secret": None},
        {"match_secret": "changeme"},
        {"match_secret": "a" * 64},
        {"token_secret": None},
        {"token_secret": "changeme"},
        {"token_secret": "a" * 64},
        {"field_keys": f"k1:{base64.b64encode(bytes(32)).decode()}"},
        {"field_keys": f"k1:{base64.b64encode(OLD[:16]).decode()}"},
        {"field_keys": "k1:not base64"},
        {"field_keys": "nokey"},
    ],
)
def test_production_refuses_missing_short_and_placeholder_keys(wrong: dict[str, str | None]) -> None:
    assert Vault.of(Settings(_env_file=None, **PROD, **GOOD))
    with pytest.raises(ValidationError) as refusal:
        Settings(_env_file=None, **PROD, **{**GOOD, **wrong})
    shown = str(refusal.value)
    assert "COGEP_" in shown
    assert not any(secret in shown for secret in (OLD.hex(), KEY, SECRET.decode(), "hunter2", "not base64"))


def test_keys_do_not_show() -> None:
    settings = Settings(_env_file=None, **PROD, **GOOD)
    assert KEY.partition(":")[2] not in repr(settings)
    assert settings.match_secret == SecretStr(SECRET.decode())
