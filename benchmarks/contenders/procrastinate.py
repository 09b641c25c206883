"""procrastinate with ten jobs side by side."""

from time import perf_counter

import uvloop
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONValue

from benchmarks.contenders.contender import PAYLOAD_BYTES, Drained

CONCURRENCY = 10


class Procrastinate:
    """One process, `CONCURRENCY` jobs at once."""

    def __init__(self, url: str, *, jobs: int) -> None:
        self.name = f"procrastinate, concurrency {CONCURRENCY}"
        self.jobs = jobs
        self._url = url

    def prepare(self) -> None:
        """Its own tables and functions."""
        uvloop.run(self._install())

    def drain(self, jobs: int) -> Drained:
        """Until it has caught up with the queue."""
        return uvloop.run(self._drain(jobs))

    def _app(self) -> App:
        return App(connector=PsycopgConnector(conninfo=self._url))

    async def _install(self) -> None:
        async with self._app().open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def _drain(self, jobs: int) -> Drained:
        async with self._app().open_async() as app:
            began: list[float] = []

            @app.task(name="noop")
            async def noop(payload: str) -> None:
                assert payload
                if not began:
                    began.append(perf_counter())

            arguments: dict[str, JSONValue] = {"payload": "x" * PAYLOAD_BYTES}
            await noop.batch_defer_async(*[arguments] * jobs)
            await app.run_worker_async(wait=False, concurrency=CONCURRENCY, install_signal_handlers=False)
            return Drained(jobs, perf_counter() - began[0])
