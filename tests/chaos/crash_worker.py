"""A worker process that strikes itself with a signal at one step of the pipeline.

`python -m tests.chaos.crash_worker STEP SIGNAL`
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from asyncpg.transaction import Transaction

from core.retrieval.chunks import replace_chunks
from core.settings import get_settings
from worker_service.documents import index, pipeline, queries, sandbox
from worker_service.drain.settler import Settler
from worker_service.handlers import HANDLERS
from worker_service.runtime import Runtime

Step = Callable[..., Awaitable[Any]]
STEP, SIGNAL = sys.argv[1], int(sys.argv[2])


def strike(step: str) -> None:
    if step == STEP:
        os.kill(os.getpid(), SIGNAL)


def before(step: str, work: Step) -> Step:
    async def struck(*arguments: Any, **named: Any) -> Any:
        strike(step)
        return await work(*arguments, **named)

    return struck


def after(step: str, work: Step) -> Step:
    async def struck(*arguments: Any, **named: Any) -> Any:
        result = await work(*arguments, **named)
        strike(step)
        return result

    return struck


class Commit:
    """The last commit of a job: struck when it has left for the server and nobody has seen the answer."""

    def __init__(self) -> None:
        self._armed = False
        self._commit = Transaction.commit

    def armed(self, work: Step) -> Step:
        async def arm(*arguments: Any, **named: Any) -> Any:
            result = await work(*arguments, **named)
            self._armed = True
            return result

        return arm

    async def send(self, transaction: Transaction) -> None:
        sent = asyncio.ensure_future(self._commit(transaction))
        if self._armed:
            await asyncio.sleep(0)  # the statement is written
            await asyncio.sleep(0)  # and flushed
            strike("commit sent")
        await sent


async def wait_for_commit(transaction: Transaction) -> None:
    await commit.send(transaction)


def committed(settler: Settler, job: Any) -> None:
    strike("committed")
    gone(settler, job)


def plant(owner: Any, name: str, work: Any) -> None:
    setattr(owner, name, work)


commit, gone = Commit(), Settler.gone
plant(queries, "get_request", before("claimed", queries.get_request))
plant(pipeline, "_obtain", after("fetched", pipeline._obtain))
plant(sandbox, "_start", after("reading", sandbox._start))
plant(pipeline, "_read", after("read", pipeline._read))
plant(index, "embed", after("embedded", index.embed))
plant(index, "replace_chunks", commit.armed(after("indexed", replace_chunks)))
plant(Transaction, "commit", wait_for_commit)
plant(Settler, "gone", committed)

if __name__ == "__main__":
    runtime = Runtime(get_settings(), HANDLERS)
    runtime.start()
    sys.stdin.read()
    runtime.stop()
