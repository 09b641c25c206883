"""The whole product under test: started by its own command, on free ports and in a folder of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil

from core.migrations import ROOT

COGEP = Path(sys.executable).parent / "cogep"
PATIENCE = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Product:
    """The product as `make run` starts it, on ports and in a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.ingestion, self.agent = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}
        } | {
            "COGEP_DATA_DIR": str(folder),
            "COGEP_INGESTION_PORT": self.ingestion.rpartition(":")[2],
            "COGEP_AGENT_PORT": self.agent.rpartition(":")[2],
            "NO_COLOR": "1",
            **settings,
        }
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [COGEP, "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        for url in (self.ingestion, self.agent):
            self._await_ready(url)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [COGEP, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, url: str) -> httpx.Client:
        key = (self.folder / "admin-key").read_text().strip()
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def processes(self) -> dict[str, int]:
        """The process ids of what the supervisor runs now, by name."""
        return {row["name"]: row["pid"] for row in json.loads((self.folder / "processes.json").read_text())}

    def supervisor(self) -> psutil.Process:
        """The command itself, whose children are the servers, too."""
        assert self._up is not None
        return psutil.Process(self._up.pid)

    def stop(self) -> int:
        assert self._up is not None
        self.run("stop")
        return self._up.wait(30)

    def _await_ready(self, url: str) -> None:
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            try:
                if httpx.get(f"{url}/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            assert self._up is not None
            assert self._up.poll() is None, (self.folder / "up.log").read_text()
            sleep(0.1)
        raise AssertionError((self.folder / "up.log").read_text())
