"""Runs jobs side by side. A lane is a task that does one job after another until none waits.

A lane is started only when the one before it has begun a job, so a batch of jobs that never wait costs one
task, and a batch of jobs that do wait costs one task each, up to the number of slots.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from enum import StrEnum, auto

from core.queue import Job


class Stop(StrEnum):
    """Why a running job is interrupted."""

    LOST = auto()
    CANCELLED = auto()
    SHUTDOWN = auto()


class Interrupted(Exception):
    """The job was stopped from outside, and here is why."""

    def __init__(self, reason: Stop) -> None:
        super().__init__(reason)
        self.reason = reason


class Lanes:
    """At most `slots` jobs at once through `run`, which never raises. `on_free` follows each job."""

    def __init__(
        self, slots: int, run: Callable[[Job], Awaitable[None]], on_free: Callable[[], None]
    ) -> None:
        self._slots = slots
        self._run = run
        self._on_free = on_free
        self._waiting: deque[Job] = deque()
        self._running: dict[asyncio.Task[None], Job] = {}
        self._reasons: dict[asyncio.Task[None], Stop] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = False

    @property
    def free(self) -> int:
        """Slots without a job."""
        return self._slots - len(self._running) - len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return not self._running and not self._waiting

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._running)

    def jobs(self) -> list[Job]:
        """The jobs running now."""
        return list(self._running.values())

    def add(self, jobs: Iterable[Job]) -> None:
        """Run these as soon as there is room."""
        self._waiting.extend(jobs)
        self._start_lane()

    def withdraw(self, wanted: Callable[[Job], bool]) -> list[Job]:
        """Take jobs out that have not begun."""
        out = [job for job in self._waiting if wanted(job)]
        if out:
            self._waiting = deque(job for job in self._waiting if not wanted(job))
        return out

    def stop(self, wanted: Callable[[Job], bool], reason: Stop) -> None:
        """Interrupt running jobs; each sees `Interrupted` from `guard`."""
        for task, job in self._running.items():
            if task not in self._reasons and wanted(job):
                self._reasons[task] = reason
                task.cancel()

    async def wait_idle(self, seconds: float) -> bool:
        """Wait until every lane is empty, at most `seconds`; whether they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        return self.idle

    async def guard(self, work: Awaitable[None]) -> None:
        """Await a job's work, turning an interruption of this job into `Interrupted`."""
        task = asyncio.current_task()
        assert task is not None, "jobs run in lanes"
        try:
            await work
        except asyncio.CancelledError:
            if task not in self._reasons:
                raise
            raise Interrupted(self._reasons[task]) from None
        finally:
            if self._reasons.pop(task, None) is not None:
                task.uncancel()

    def _start_lane(self) -> None:
        if self._waiting and not self._starting and len(self._tasks) < self._slots:
            self._starting = True
            task = asyncio.create_task(self._lane(), name="queue-lane")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _lane(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a lane is a task"
        self._starting = False
        while self._waiting:
            self._running[task] = job = self._waiting.popleft()
            self._start_lane()
            try:
                await self._run(job)
            finally:
                del self._running[task]
                self._on_free()
