import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from core import apikeys
from core.db import Database
from core.settings import Environment, Settings
from ops import keys
from ops.console import Console
from ops.embedded import FolderLock
from ops.embedded.redis import free_port
from ops.errors import CannotStart
from ops.processes import environment
from ops.settings import OpsSettings
from ops.up import require_free_ports, running_supervisor, stop, up


def settings_for(folder: Path, **ports: int) -> OpsSettings:
    chosen = {"ingestion_port": free_port(), "agent_port": free_port(), **ports}
    return OpsSettings(_env_file=None).model_copy(update={"data_dir": folder, **chosen})


def test_a_busy_port_is_named_with_what_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart) as refusal:
            require_free_ports(settings_for(tmp_path, agent_port=port))
    for part in (f"127.0.0.1:{port}", "--agent-port", "COGEP_AGENT_PORT"):
        assert part in str(refusal.value)


def test_one_port_for_both_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(CannotStart, match=str(port)):
        require_free_ports(settings_for(tmp_path, ingestion_port=port, agent_port=port))


def test_an_unknown_address_is_said(tmp_path: Path) -> None:
    settings = settings_for(tmp_path).model_copy(update={"host": "no-such-host.invalid"})
    with pytest.raises(CannotStart, match="no-such-host"):
        require_free_ports(settings)


def test_a_second_up_on_the_same_folder_says_so(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with FolderLock(settings.data), pytest.raises(CannotStart, match="já está rodando"):
        up(settings, Console())


def test_nothing_to_stop(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "never")
    assert stop(settings) is False
    assert running_supervisor(settings) is None
    assert not settings.data.exists()


def test_the_first_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "admin-key"
    assert keys.ensure_first_key(database_url, file, env="test") is True
    plaintext = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.ensure_first_key(database_url, file, env="test") is False
    assert file.read_text() == plaintext
    (key,) = asyncio.run(keys.list_keys(database_url))
    assert (key.scopes, key.public_id) == (["admin"], plaintext.split("_")[2])


def test_a_key_of_another_database_is_replaced_and_a_revoked_one_is_not(
    tmp_path: Path, database_url: str
) -> None:
    file = tmp_path / "admin-key"
    file.write_text(apikeys.mint("test").plaintext)
    assert keys.ensure_first_key(database_url, file, env="test") is True
    public_id = file.read_text().split("_")[2]
    assert asyncio.run(keys.revoke_key(database_url, public_id)) is True
    assert keys.ensure_first_key(database_url, file, env="test") is False
    told = asyncio.run(audited(database_url, f"key/{public_id}"))
    assert told == ["key.created", "key.revoked"]


async def audited(database_url: str, subject: str) -> list[str]:
    database = Database(database_url)
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT action FROM ops.audit_log WHERE subject = $1 ORDER BY id", subject
        )
    await database.dispose()
    return [row["action"] for row in rows]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("database")
def test_keys_from_birth_to_end(cogep: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert cogep("keys", "create", "bot do site", "--scope", "chat", "--scope", "read", "--days", "30") == 0
    plaintext = capsys.readouterr().out.strip()
    parsed = apikeys.parse(plaintext)
    assert parsed is not None
    assert cogep("keys", "list") == 0
    said = capsys.readouterr().out
    assert all(part in said for part in (parsed[0], "bot do site", "chat, read", "vale até"))
    assert parsed[1] not in said
    assert cogep("keys", "revoke", parsed[0]) == 0
    assert cogep("keys", "revoke", parsed[0]) == 1
    assert "Não há chave ativa" in capsys.readouterr().err
    cogep("keys", "list")
    assert "revogada em" in capsys.readouterr().out


def test_a_database_that_does_not_answer_is_a_sentence(
    cogep: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://a:b@127.0.0.1:{free_port()}/x")
    assert cogep("keys", "list") == 1
    assert "O banco de dados não pode ser usado" in capsys.readouterr().err


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    first = environment("postgresql://h/d", None, settings)
    assert environment("postgresql://h/d", None, settings) == first
    made = {name: first[name] for name in first if name.endswith(("_KEYS", "_SECRET"))}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    production = {"DATABASE_URL": "postgresql://u:hunter2hunter2@h/d", "env": Environment.PROD}
    values = {name.removeprefix("COGEP_").lower(): value for name, value in made.items()}
    assert Settings(_env_file=None, **production, **values).parsed_field_keys.keys() == {"k1"}
    given = settings.model_copy(update={"field_keys": SecretStr("k2:given")})
    assert environment("postgresql://h/d", None, given) == {**first, "COGEP_FIELD_KEYS": "k2:given"}
