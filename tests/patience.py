import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 60.0

Condition = Callable[[], Awaitable[object]]


async def until(condition: Condition, *, patience: float = PATIENCE) -> None:
    """Wait for what must become true; how soon is not the test's matter."""
    deadline = time.monotonic() + patience
    while not await condition():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.02)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Fails where work that must be linear is not: a limit hundreds of times what linear work takes."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not done after {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
