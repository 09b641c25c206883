"""What the process has done so far, as a log line a minute while there is news."""

import asyncio
from collections import Counter

import structlog

log = structlog.get_logger(__name__)

REPORT_SECONDS = 60.0


async def report(counts: "Counter[str]") -> None:
    """Log `counts` whenever they changed, for ever."""
    last: dict[str, int] = {}
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        if last != counts:
            last = dict(counts)
            log.info("worker_counts", **last)
