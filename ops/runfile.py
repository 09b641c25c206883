"""Who runs at the moment, written down so that `cogep status` can tell and a next start can clear up."""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL

import psutil

from ops.embedded import ended

GONE_SECONDS = 5.0


@dataclass(frozen=True)
class Running:
    """A process that was started: its id and birth (pids are used again), its restarts, its base URL."""

    name: str
    pid: int
    born: float
    restarts: int
    url: str | None = None

    @property
    def alive(self) -> bool:
        """Whether it is this very process that still lives."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.born and not ended(process)
        except psutil.Error:
            return False


class RunFile:
    """`processes.json` of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "processes.json"

    def read(self) -> list[Running]:
        """What was last written; empty when nothing was, or nothing readable."""
        try:
            return [Running(**row) for row in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def write(self, running: list[Running]) -> None:
        """Replaces what was written, in one step."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(row) for row in running]))
        fresh.replace(self._file)

    def clear(self) -> None:
        """Forgets everything."""
        self._file.unlink(missing_ok=True)


def end_leftovers(running: list[Running]) -> list[str]:
    """Kills the sessions of processes whose supervisor died before them; their names, once they are gone.

    By force: their work is leased, and what is not finished is done again.
    """
    left = [row for row in running if row.alive]
    for row in left:
        end_session(row.pid)
    deadline = time.monotonic() + GONE_SECONDS
    while any(row.alive for row in left) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [row.name for row in left]


def end_session(leader: int) -> None:
    """Kills every process of the session that `leader` led, the leader too."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, SIGKILL)
