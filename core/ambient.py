"""One transaction around all that a task does with a database: nested work becomes savepoints of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Ambient:
    """The transaction that surrounds a task, and what is to be done once it is committed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.callbacks: list[Callable[[], Awaitable[None]]] = []
        self._task = asyncio.current_task()

    def surrounds(self, engine: AsyncEngine) -> bool:
        """Whether work on this engine joins. A task started inside does not: it may outlive this one."""
        return self.connection.engine is engine and self._task is asyncio.current_task()


_surrounding: ContextVar[Ambient | None] = ContextVar("surrounding", default=None)


def surrounding(engine: AsyncEngine) -> Ambient | None:
    """The transaction that work of this task on this engine joins, if there is one."""
    ambient = _surrounding.get()
    return ambient if ambient is not None and ambient.surrounds(engine) else None


@contextmanager
def surrounded_by(ambient: Ambient) -> Iterator[None]:
    """Everything in the block joins `ambient`."""
    token = _surrounding.set(ambient)
    try:
        yield
    finally:
        _surrounding.reset(token)
