"""A worker process that answers clients and strikes itself with a signal at one step, the first time only.

`python -m tests.chaos.turn_worker STEP SIGNAL`; with the step `none` it is an ordinary worker.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from asyncpg.transaction import Transaction

from core.settings import get_settings
from worker_service.conversations import delivery, outgoing, queries, turn
from worker_service.conversations.effects import Performance
from worker_service.conversations.senders.evolution import Evolution
from worker_service.handlers import HANDLERS, ROUNDS
from worker_service.runtime import Runtime

Step = Callable[..., Awaitable[Any]]
STEP, SIGNAL = sys.argv[1], int(sys.argv[2])


def after(step: str, work: Step) -> Step:
    async def struck(*arguments: Any, **named: Any) -> Any:
        result = await work(*arguments, **named)
        if step == STEP and result:
            os.kill(os.getpid(), SIGNAL)
        return result

    return struck


class Commit:
    """The commit that ends a turn: struck when it has left for the server and nobody has seen the answer."""

    def __init__(self) -> None:
        self._commit = Transaction.commit
        self._armed = False

    def armed(self, work: Step) -> Step:
        async def arm(*arguments: Any, **named: Any) -> Any:
            result = await work(*arguments, **named)
            self._armed = True
            return result

        return arm

    async def send(self, transaction: Transaction) -> None:
        sent = asyncio.ensure_future(self._commit(transaction))
        if self._armed and STEP == "commit sent":
            await asyncio.sleep(0)  # the statement is written
            await asyncio.sleep(0)  # and flushed
            os.kill(os.getpid(), SIGNAL)
        await sent


async def carried_out(performance: Performance, draft: Any) -> bool:
    await carry_out(performance, draft)
    return True


async def wait_for_commit(transaction: Transaction) -> None:
    await commit.send(transaction)


def plant(owner: Any, name: str, work: Any) -> None:
    setattr(owner, name, work)


commit, carry_out = Commit(), Performance.carry_out
plant(queries, "adopt", after("adopted", queries.adopt))
plant(queries, "claim", after("claimed", queries.claim))
plant(queries, "begin", after("begun", queries.begin))
plant(turn, "deliberate", after("thought", turn.deliberate))
plant(Performance, "carry_out", after("carried out", carried_out))
plant(queries, "finish", commit.armed(queries.finish))
plant(Transaction, "commit", wait_for_commit)
plant(turn, "_settle", after("committed", turn._settle))
plant(outgoing, "claim", after("taken", outgoing.claim))
plant(delivery, "_letter", after("opened", delivery._letter))
plant(Evolution, "send", after("sent", Evolution.send))

if __name__ == "__main__":
    runtime = Runtime(get_settings(), HANDLERS, ROUNDS)
    runtime.start()
    sys.stdin.read()
    runtime.stop()
