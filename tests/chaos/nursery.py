"""Warms the ingestion API up once, then forks a uvicorn process for each port read from its standard input.

A port that is read again has its process killed first. The new one must be there at once: importing
everything again would take longer than it lives.
"""

import asyncio
import gc
import os
import signal
import sys

import uvicorn

from ingestion_service.main import app


async def warm_up() -> None:
    uvicorn.Config(app, log_config=None).load()
    async with app.router.lifespan_context(app):
        gc.freeze()


def serve(port: int) -> None:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what it logs is no answer
    uvicorn.run(app, port=port, access_log=False, log_level="error")
    os._exit(0)


def replace(old: int | None, port: int) -> int:
    """The new process; the old one is gone for sure, and with it its hold on the port."""
    if old is not None:
        os.kill(old, signal.SIGKILL)
        os.waitpid(old, 0)
    new = os.fork()
    if not new:
        serve(port)
    return new


if __name__ == "__main__":
    asyncio.run(warm_up())
    children: dict[str, int] = {}
    for line in sys.stdin:
        children[line] = replace(children.get(line), int(line))
        print(children[line], flush=True)
    os.killpg(0, signal.SIGKILL)
