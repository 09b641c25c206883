"""One event loop and one engine per process, in a thread of its own: they outlive any trouble of the broker.

Made after the fork. Whatever ends the drain loop, a fresh one is started.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from threading import Thread
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.db import Database
from core.migrations import DatabaseUnfit, require_fit
from core.queue import DOWN
from core.settings import Environment, Settings, get_settings
from worker_service.drain.context import Handler, Round
from worker_service.drain.worker import QueueWorker

log = structlog.get_logger(__name__)

T = TypeVar("T")

RESTART_AFTER = 1.0
STOP_MARGIN = 6.0


class Runtime:
    """The queue worker of this process."""

    def __init__(
        self, settings: Settings, handlers: Mapping[str, Handler], rounds: Sequence[Round] = ()
    ) -> None:
        self._settings = settings
        self._rounds = rounds
        self._handlers = handlers
        self._loop = _new_loop()
        self._serving: asyncio.Task[None] | None = None
        self._worker: QueueWorker | None = None
        self._thread = Thread(target=self._main, name="queue-runtime", daemon=True)

    def start(self) -> None:
        """Begin to work, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Finish or give back what is held, at most the grace and a few seconds long."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join(self._settings.queue_grace_seconds + STOP_MARGIN)

    def wake(self) -> None:
        """There may be jobs. From any thread."""
        if self._worker is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._worker.wake)

    def call(self, work: Callable[[Database], Awaitable[T]], *, timeout: float) -> T:
        """Run `work` in this process's loop and wait for it, from another thread."""
        return asyncio.run_coroutine_threadsafe(self._call(work), self._loop).result(timeout)

    async def _call(self, work: Callable[[Database], Awaitable[T]]) -> T:
        if self._worker is None:
            raise RuntimeError("the worker has not started yet")
        return await work(self._worker.services.database)

    def _cancel(self) -> None:
        if self._serving is not None:
            self._serving.cancel()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except asyncio.CancelledError:
                log.debug("runtime_stopped")

    async def _serve(self) -> None:
        self._serving = asyncio.current_task()
        while True:
            worker = QueueWorker(self._settings, self._handlers, rounds=self._rounds)
            try:
                await _wait_until_fit(worker.services.database, self._settings.env)
                self._worker = worker
                await worker.run()
            except Exception:
                log.exception("worker_crashed")
            finally:
                self._worker = None
                await worker.stop(self._settings.queue_grace_seconds)
            await asyncio.sleep(RESTART_AFTER)


async def _wait_until_fit(database: Database, env: Environment) -> None:
    """Claim nothing before the database is one that this code may work on."""
    while True:
        try:
            return await require_fit(database, env)
        except DatabaseUnfit as error:
            log.warning("database_unfit", reason=type(error).__name__, detail=str(error))
        except (*DOWN, SQLAlchemyError) as error:
            log.warning("postgres_unreachable", error=type(error).__name__)
        await asyncio.sleep(RESTART_AFTER)


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


_runtimes: list[Runtime] = []


def start() -> None:
    """Start this process's runtime, unless it runs. Never before the fork."""
    from worker_service.handlers import HANDLERS, ROUNDS

    if not _runtimes:
        _runtimes.append(Runtime(get_settings(), HANDLERS, ROUNDS))
        _runtimes[0].start()


def stop() -> None:
    """Stop this process's runtime, if there is one."""
    while _runtimes:
        _runtimes.pop().stop()


def current() -> Runtime:
    """This process's runtime. Raises RuntimeError in a process that has none."""
    if not _runtimes:
        raise RuntimeError("this process does no queue work")
    return _runtimes[0]
