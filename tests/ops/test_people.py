from collections.abc import Callable

import pytest
import typer

from core import passwords

Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]
ANA = ("ana@example.org", "--name", "Ana Souza", "--role")


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def typed(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: password)


def test_the_first_admin_from_birth_to_another_role(cogep: Run, capsys: Captured) -> None:
    assert cogep("people", "create", *ANA, "admin", "--generate") == 0
    said = capsys.readouterr()
    password = said.out.splitlines()[0]
    assert len(password) >= passwords.LEAST_LENGTH
    assert "não será mostrada de novo" in said.err
    assert cogep("people", "list") == 0
    listed = capsys.readouterr().out
    assert all(part in listed for part in ("ana@example.org", "Ana Souza", "admin", "nunca", "ativa"))
    assert password not in listed
    assert cogep("people", "role", "ANA@example.org", "agent") == 1
    assert "último admin" in capsys.readouterr().err
    assert cogep("people", "create", "rui@example.org", *ANA[1:], "admin", "--generate") == 0
    assert cogep("people", "role", "ana@example.org", "dpo") == 0
    capsys.readouterr()
    cogep("people", "list")
    assert "dpo" in capsys.readouterr().out


def test_out_and_in_again(cogep: Run, capsys: Captured) -> None:
    assert cogep("people", "create", *ANA, "agent", "--generate") == 0
    for command, state in (("deactivate", "desativada"), ("activate", "ativa")):
        assert cogep("people", command, "ana@example.org") == 0
        capsys.readouterr()
        cogep("people", "list")
        assert f" {state} " in capsys.readouterr().out


def test_a_password_is_asked_for_and_not_shown(
    cogep: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "uma senha comprida")
    assert cogep("people", "create", *ANA, "agent") == 0
    assert cogep("people", "password", "ana@example.org") == 0
    assert "uma senha comprida" not in "".join(capsys.readouterr())
    typed(monkeypatch, "curta")
    assert cogep("people", "password", "ana@example.org") == 2
    assert "de 12 a 128" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", *ANA, "agent", "--generate"), "Já existe uma pessoa"),
        (("create", "ana", *ANA[1:], "agent", "--generate"), "não é um endereço"),
        (("role", "rui@example.org", "agent"), "Não há pessoa"),
        (("password", "rui@example.org", "--generate"), "Não há pessoa"),
    ],
)
def test_a_refusal_is_a_sentence(
    cogep: Run, capsys: Captured, arguments: tuple[str, ...], sentence: str
) -> None:
    assert cogep("people", "create", *ANA, "agent", "--generate") == 0
    assert cogep("people", *arguments) == 1
    assert sentence in capsys.readouterr().err
