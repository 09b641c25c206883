"""The life of one embedded server process: lock, clear what a crash left, start, wait, stop."""

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import ClassVar, Self

import psutil

from ops.embedded.state import FolderLock

START_SECONDS = 60
STOP_SECONDS = 15
LOG_BYTES = 5_000_000


class ServerError(Exception):
    """A server did not start; the message is a sentence for a person, with the end of the server's log."""


class EmbeddedServer(ABC):
    """A server that lives in `folder`, at most one at a time. Use as a context manager or `start`/`stop`.

    The process leads a session of its own: Ctrl-C in a terminal never reaches it, its owner stops it last.
    """

    name: ClassVar[str]
    stop_signals: Sequence[Signals]

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / f"{self.name}.log"
        self._lock = FolderLock(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Returns when the server accepts connections. Raises FolderInUse or ServerError."""
        if self.pid is not None:
            return
        self._process = None
        self._lock.acquire()
        try:
            self._prepare()
            self._end_leftovers()
            self._launch()
            self._after_start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Returns when the server is gone: asked first, forced in the end. Harmless when none is running."""
        if self.pid is not None:
            assert self._process is not None
            _stop(psutil.Process(self._process.pid), self.stop_signals)
            self._process.wait()
        self._process = None
        self._lock.release()

    def clear_up(self) -> bool:
        """Ends what a killed owner left running; whether there was anything. Raises FolderInUse."""
        if not self.folder.exists():
            return False
        with self._lock:
            return self._end_leftovers()

    def _end_leftovers(self) -> bool:
        return stop_leftovers(self._home, self.stop_signals)

    @property
    @abstractmethod
    def _home(self) -> Path:
        """The server's working directory, by which its processes are recognised after a crash."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    @abstractmethod
    def _prepare(self) -> None:
        """What must be there before the first start."""

    @abstractmethod
    def _configuration(self) -> bytes:
        """What the server reads from its standard input."""

    @abstractmethod
    def _after_start(self) -> None:
        """What must be there before anybody else connects."""

    def _launch(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(self._configuration())
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.pid is None:
                raise ServerError(f"{self.name} não iniciou. O fim de {self.log}:\n{_tail(self.log)}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} não ficou pronto em {START_SECONDS} s; veja {self.log}")
            time.sleep(0.01)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def stop_leftovers(home: Path, signals: Sequence[Signals]) -> bool:
    """Ends the servers that a killed owner left running in `home`; whether there were any.

    Only for the holder of the folder's lock. The oldest is the parent, asked to end; what survives it, or was
    orphaned before, is ended by force.
    """
    left = sorted(_living_in(home), key=lambda process: process.create_time())
    if left:
        _stop(left[0], signals)
    for process in left[1:]:
        _stop(process, ())
    return bool(left)


def _living_in(home: Path) -> list[psutil.Process]:
    def servers_of(process: psutil.Process) -> bool:
        try:
            return process.name().startswith(("postgres", "redis-server")) and process.cwd() == str(home)
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if servers_of(process)]


def ended(process: psutil.Process) -> bool:
    """Whether the process is over, be it that nobody has collected it yet: some containers never do."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _stop(process: psutil.Process, signals: Sequence[Signals]) -> None:
    for signal in (*signals, SIGKILL):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if ended(process):
                return
            time.sleep(0.01)


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
