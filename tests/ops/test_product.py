import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops.embedded import ended
from ops.embedded.redis import free_port
from ops.runfile import RunFile

COGEP = Path(sys.executable).with_name("cogep")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    ours = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    prepared = {**ours, "COGEP_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}
    yield prepared
    cogep(prepared, "stop")


@contextmanager
def running(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    ports = f"--ingestion-port={free_port()}", f"--agent-port={free_port()}"
    with subprocess.Popen([COGEP, "up", *ports], env=environment, stdout=subprocess.PIPE, text=True) as up:
        try:
            yield up
        finally:
            up.send_signal(signal.SIGTERM)
            up.communicate(timeout=60)


def until(up: subprocess.Popen[str], pattern: str) -> None:
    assert up.stdout is not None
    seen = []
    for line in up.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError(f"{pattern} never came:\n{''.join(seen)}")


def cogep(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [COGEP, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def family(folder: Path) -> list[psutil.Process]:
    """Everything that runs for a data folder, the servers too."""
    started = [psutil.Process(row.pid) for row in RunFile(folder).read()]
    servers = [int((folder / name / "lock").read_text()) for name in ("postgres", "redis")]
    parents = started + [psutil.Process(pid) for pid in servers]
    return list({*parents, *(child for parent in parents for child in parent.children(recursive=True))})


@pytest.mark.timeout(300)
def test_up_from_nothing_killed_taken_over_and_stopped(environment: dict[str, str]) -> None:
    folder = Path(environment["COGEP_DATA_DIR"])
    with running(environment) as up:
        until(up, "Ctrl-C para encerrar")
        key = (folder / "admin-key").read_text()
        up.kill()
    left = [process for process in psutil.process_iter() if str(folder) in " ".join(_command(process))]
    assert left, "a killed supervisor takes nobody with it"

    with running(environment) as up:
        until(up, "encerrado .*, resto de uma execução interrompida")
        until(up, "Ctrl-C para encerrar")
        everybody = family(folder)
        assert (folder / "admin-key").read_text() == key
        assert cogep(environment, "status").returncode == 0
        assert "na fila" in cogep(environment, "queue").stdout
        second = cogep(environment, "up")
        assert (second.returncode, "já está rodando" in second.stderr) == (1, True)
        assert cogep(environment, "stop").stdout == "Encerrado.\n"
        assert up.wait(10) == 0
    assert all(ended(process) for process in everybody)


def test_what_a_killed_up_left_is_stopped_by_stop(environment: dict[str, str]) -> None:
    folder = Path(environment["COGEP_DATA_DIR"])
    script = (
        "import sys, time; from pathlib import Path; from ops.embedded import *;"
        "servers = EmbeddedPostgres(Path(sys.argv[1]) / 'postgres', durable=False),"
        " EmbeddedRedis(Path(sys.argv[1]) / 'redis');"
        "[server.start() for server in servers]; print(*[server.pid for server in servers], flush=True);"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        left = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert cogep(environment, "stop").stdout == "Encerrado.\n"
    assert all(ended(process) for process in left)
    assert cogep(environment, "stop").stdout == "O COGEP não está rodando.\n"


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
