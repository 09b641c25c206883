import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from ops.embedded import (
    EmbeddedPostgres,
    EmbeddedRedis,
    EphemeralServers,
    FolderInUse,
    ServerError,
    ended,
    ephemeral_servers,
    secret_file,
)
from ops.embedded.redis import free_port

OWNER = """
import sys, time
from pathlib import Path
from ops.embedded import EmbeddedPostgres, EmbeddedRedis
folder = Path(sys.argv[1])
pg, doorbell = EmbeddedPostgres(folder / "pg", durable=False), EmbeddedRedis(folder / "redis")
pg.start(); doorbell.start()
pg.psql("CREATE TABLE kept AS SELECT 42 AS answer")
print(pg.pid, doorbell.pid, flush=True)
time.sleep(600)
"""


async def fetch(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_the_product_is_not_a_superuser_and_has_vectors(servers: EphemeralServers) -> None:
    url = servers.postgres.url()
    assert await fetch(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert await fetch(url, "SELECT ('[1,2]'::vector <-> '[1,2]')::text") == "0"
    assert (
        await fetch(servers.postgres.url(superuser=True), "SELECT current_setting('listen_addresses')") == ""
    )


async def test_a_wrong_password_is_refused(servers: EphemeralServers) -> None:
    secret = (servers.postgres.folder / "role-password").read_text().strip()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await fetch(servers.postgres.url().replace(secret, "guess"), "SELECT 1")


async def test_a_database_is_made_once(servers: EphemeralServers) -> None:
    servers.postgres.create_database("second")
    servers.postgres.create_database("second")
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    assert await fetch(servers.postgres.url("second"), owner) == "cogep"


def test_a_failing_statement_is_said(servers: EphemeralServers) -> None:
    with pytest.raises(ServerError, match="nowhere"):
        servers.postgres.psql("SELECT * FROM nowhere")


def test_redis_wants_its_password(servers: EphemeralServers) -> None:
    assert servers.redis is not None
    url = servers.redis.url()
    assert redis.Redis.from_url(url).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url("redis://" + url.split("@")[1]).ping()


def test_secrets_are_their_owners_alone(servers: EphemeralServers, tmp_path: Path) -> None:
    assert servers.redis is not None
    files = [servers.postgres.folder / "role-password", servers.postgres.folder / "superuser-password"]
    for file in [*files, servers.redis.folder / "password"]:
        assert file.stat().st_mode & 0o777 == 0o600
    assert secret_file(tmp_path / "one", "given") == secret_file(tmp_path / "one", "other") == "given"


def test_a_second_server_on_the_same_folder_is_refused(servers: EphemeralServers) -> None:
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        EmbeddedPostgres(servers.postgres.folder).start()
    assert servers.postgres.pid is not None


def test_a_killed_server_starts_again_with_its_data_and_port(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "pg", durable=False) as pg,
        EmbeddedRedis(tmp_path / "redis") as doorbell,
    ):
        pg.psql("CREATE TABLE kept AS SELECT 42 AS answer")
        url = doorbell.url()
        for server in (pg, doorbell):
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            psutil.wait_procs([psutil.Process(server.pid)], timeout=5)
            server.start()
        assert pg.psql("SELECT answer FROM kept").strip() == "42"
        assert doorbell.url() == url
        assert redis.Redis.from_url(url).ping()


def test_what_a_killed_owner_left_is_taken_over(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        left = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
    with (
        EmbeddedPostgres(tmp_path / "pg", options={"work_mem": "7MB"}) as pg,
        EmbeddedRedis(tmp_path / "redis"),
    ):
        assert all(ended(process) for process in left)
        assert pg.psql("SELECT answer, current_setting('work_mem') FROM kept").strip() == "42|7MB"


def test_a_stale_pid_file_naming_a_living_stranger_does_no_harm(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as pg:
        running = (pg.data / "postmaster.pid").read_text().splitlines()
    (pg.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *running[1:]]) + "\n")
    with pg:
        assert pg.pid not in {None, os.getpid()}


def test_a_long_path_with_spaces_and_accents(tmp_path: Path) -> None:
    folder = tmp_path / "São João" / ("x" * 120) / ("y" * 120)
    with EmbeddedPostgres(folder, durable=False) as pg:
        assert asyncio.run(fetch(pg.url(), "SELECT 1")) == 1
        assert len(os.fsencode(pg.sockets / ".s.PGSQL.5432")) <= 107
        assert pg.sockets.stat().st_mode & 0o777 == 0o700


def test_a_closed_parent_folder_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "pg", durable=False) as pg:
        assert pg.psql("SELECT 1").strip() == "1"
    assert closed.stat().st_mode & 0o777 == 0o700
    assert pg.folder.stat().st_mode & 0o777 == 0o700


def test_an_interrupted_initdb_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(tmp_path, durable=False) as pg:
        assert pg.pid


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, version=16, durable=False) as pg:
        assert pg.psql("SHOW server_version_num").startswith("16")
    with pytest.raises(ServerError, match="criada pelo Postgres 16"):
        EmbeddedPostgres(tmp_path).start()


def test_a_bad_option_is_said_with_the_servers_words(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="no_such_option"):
        EmbeddedPostgres(tmp_path, options={"no_such_option": "1"}, durable=False).start()


def test_ephemeral_servers_clean_up_and_sweep_the_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abandoned = tmp_path / "cogep-ephemeral-abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    with subprocess.Popen([sys.executable, "-c", OWNER, str(abandoned)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        left = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
    with ephemeral_servers() as first, ephemeral_servers() as second:
        assert first.postgres.url() != second.postgres.url()
        assert not abandoned.exists()
    assert not list(tmp_path.iterdir())
    assert all(ended(process) for process in left)


def test_a_stopped_server_leaves_no_process(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as pg:
        assert pg.pid is not None
        family = [psutil.Process(pg.pid), *psutil.Process(pg.pid).children()]
    assert all(ended(process) for process in family)


def test_a_snatched_port_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offered = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr("ops.embedded.redis.free_port", lambda: next(offered))
        with EmbeddedRedis(tmp_path) as doorbell:
            assert redis.Redis.from_url(doorbell.url()).ping()
            assert doorbell.url().split(":")[-1] != f"{taken.getsockname()[1]}/0"
