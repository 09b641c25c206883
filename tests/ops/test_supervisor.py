import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops.embedded import ended
from ops.runfile import RunFile, Running, end_leftovers

SCRIPT = """
import asyncio, sys
from pathlib import Path
from ops.console import Console
from ops.processes import Process
from ops.runfile import RunFile
from ops.supervisor import Supervisor

folder, programs = Path(sys.argv[1]), sys.argv[2:]
processes = [Process(f"p{n}", (sys.executable, "-c", program)) for n, program in enumerate(programs)]
supervisor = Supervisor(processes, {"GREETING": "olá"}, Console(), RunFile(folder))
asyncio.run(supervisor.run(ready=lambda: print("READY", flush=True)))
print("GONE", flush=True)
"""
SLEEPER = "import os, time; print('hello', os.environ['GREETING'], flush=True); time.sleep(600)"
PARENT = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('child', child.pid, flush=True); time.sleep(600)"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(600)"
)
CRASHER = "import sys; print('here I go', flush=True); sys.exit(7)"
NOISY = "import time; print('x' * 3_000_000); print('after', flush=True); time.sleep(600)"


class Watched:
    """A supervisor in a process of its own, and the lines it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def until(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern} never came:\n{''.join(self.lines)}")


@contextmanager
def supervised(folder: Path, *programs: str) -> Iterator[Watched]:
    command = [sys.executable, "-c", SCRIPT, str(folder), *programs]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Watched(process)
    finally:
        process.kill()
        process.communicate()
        end_leftovers(RunFile(folder).read())


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, SLEEPER, SLEEPER) as watched:
        watched.until("READY")
        watched.until("hello olá")
        children = [psutil.Process(row.pid) for row in RunFile(tmp_path).read()]
        watched.process.send_signal(number)
        watched.until("GONE")
        assert watched.process.wait() == 0
    assert len(children) == 2
    assert all(ended(child) for child in children)
    assert RunFile(tmp_path).read() == []


def test_a_killed_process_comes_back_and_its_children_do_not_linger(tmp_path: Path) -> None:
    with supervised(tmp_path, PARENT, SLEEPER) as watched:
        orphan = psutil.Process(int(watched.until(r"child (\d+)")[1]))
        killed, neighbour = RunFile(tmp_path).read()
        os.kill(killed.pid, signal.SIGKILL)
        watched.until("p0 terminou .morto por SIGKILL.; de novo em 0.5 s")
        watched.until(r"child (\d+)")
        again, same = RunFile(tmp_path).read()
        assert (again.restarts, again.alive, same) == (1, True, neighbour)
        eventually(lambda: ended(orphan))


def test_the_pauses_between_restarts_grow(tmp_path: Path) -> None:
    with supervised(tmp_path, CRASHER) as watched:
        for pause in ("0.5", "1", "2"):
            watched.until(f"terminou .código 7.; de novo em {pause} s")


def test_asked_twice_it_does_not_wait_for_the_stubborn(tmp_path: Path) -> None:
    with supervised(tmp_path, STUBBORN) as watched:
        watched.until("deaf")
        watched.process.send_signal(signal.SIGINT)
        watched.until("encerrando")
        watched.process.send_signal(signal.SIGINT)
        watched.until("GONE")


def test_a_line_without_end_does_not_stop_the_others(tmp_path: Path) -> None:
    with supervised(tmp_path, NOISY) as watched:
        watched.until("after")


def test_leftovers_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    with supervised(tmp_path, SLEEPER) as watched:
        watched.until("hello")
        watched.process.kill()
        watched.process.wait()
        (left,) = RunFile(tmp_path).read()
        assert end_leftovers([left]) == ["p0"]
        eventually(lambda: not left.alive)


def test_a_pid_used_again_is_nobodys_leftover() -> None:
    me = psutil.Process()
    assert not Running("p0", me.pid, me.create_time() - 60, 0).alive
    assert end_leftovers([Running("p0", me.pid, me.create_time() - 60, 0)]) == []


def test_an_unreadable_run_file_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text('[{"unknown": 1}]')
    assert RunFile(tmp_path).read() == []
