"""Keeps the product's processes alive: restarts what crashes, ends all before the servers they need."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import psutil

from ops.child import Child
from ops.console import Console
from ops.embedded import EmbeddedServer, ServerError
from ops.processes import Process
from ops.runfile import RunFile, Running

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 30.0
GRACE_SECONDS = 20.0
WATCH_SECONDS = 0.5


class Supervisor:
    """Runs `processes` with `environment` and watches `servers`, until told to stop.

    Every process leads a session of its own, so Ctrl-C reaches only the supervisor, which then asks each
    to end, waits GRACE_SECONDS, and ends by force what is left. The servers are the caller's to stop, after.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        environment: Mapping[str, str],
        console: Console,
        runfile: RunFile,
        servers: Sequence[EmbeddedServer] = (),
    ) -> None:
        self._processes = processes
        self._environment = {**os.environ, **environment}
        self._console = console
        self._runfile = runfile
        self._servers = servers
        self._running: dict[str, Running] = {}
        self._stopping = asyncio.Event()
        self._forced = asyncio.Event()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Returns when everything it started is gone. `ready` is called once every port answers."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        async with asyncio.TaskGroup() as tasks:
            for process in self._processes:
                tasks.create_task(self._keep(process))
            for server in self._servers:
                tasks.create_task(self._watch(server))
            tasks.create_task(self._announce(ready))
        self._runfile.clear()

    def stop(self) -> None:
        """Ask everything to end; asked a second time, do not wait for it."""
        if self._stopping.is_set():
            self._forced.set()
            return
        self._console.note("encerrando; de novo para encerrar sem esperar")
        self._stopping.set()

    async def _keep(self, process: Process) -> None:
        restarts, pause = 0, FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            code = await self._run_once(process, restarts)
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if time.monotonic() - started > HEALTHY_AFTER else pause
            self._console.note(f"{process.name} terminou ({_ending(code)}); de novo em {pause:g} s")
            await self._pause(pause)
            restarts, pause = restarts + 1, min(pause * 2, LONGEST_PAUSE)

    async def _run_once(self, process: Process, restarts: int) -> int:
        child = await Child.start(
            process.command, self._environment, partial(self._console.line, process.name)
        )
        self._record(process, child.pid, restarts)
        ending = asyncio.create_task(self._end_when_stopping(child))
        code = await child.wait()
        ending.cancel()
        return code

    async def _end_when_stopping(self, child: Child) -> None:
        await self._stopping.wait()
        await child.end(self._forced, GRACE_SECONDS)

    def _record(self, process: Process, pid: int, restarts: int) -> None:
        with suppress(psutil.NoSuchProcess):
            born = psutil.Process(pid).create_time()
            self._running[process.name] = Running(process.name, pid, born, restarts, process.url)
        self._runfile.write(list(self._running.values()))

    async def _watch(self, server: EmbeddedServer) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            if server.pid is None:
                self._console.note(f"{server.name} caiu; iniciando de novo")
                try:
                    await asyncio.to_thread(server.start)
                    pause = FIRST_PAUSE
                except ServerError as error:
                    self._console.note(str(error))
                    pause = min(pause * 2, LONGEST_PAUSE)
            await self._pause(pause if server.pid is None else WATCH_SECONDS)

    async def _announce(self, ready: Callable[[], None]) -> None:
        addresses = [process.address for process in self._processes if process.address]
        while not self._stopping.is_set():
            if all([await _answers(*address) for address in addresses]):
                ready()
                return
            await self._pause(WATCH_SECONDS / 2)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _ending(code: int) -> str:
    return f"morto por {signal.Signals(-code).name}" if code < 0 else f"código {code}"
