"""When a delivery is tried again, and when it has failed. Pure."""

import random

SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0
SCHEDULE = (
    0.0,
    *(5 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Seconds before each attempt, three days in all."""

JITTER = 0.2


def wait_after(attempt: int, *, at_least: float | None = None) -> float | None:
    """Seconds to wait after the `attempt`-th failure (the first is 1); None when it was the last.

    A fifth more or less, so that what failed together does not come back together; never sooner than the
    receiver asked for.
    """
    if attempt >= len(SCHEDULE):
        return None
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    return max(SCHEDULE[attempt] * spread, at_least or 0.0)
