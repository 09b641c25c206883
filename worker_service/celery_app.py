"""Celery supervises the worker processes and carries upkeep; jobs stay in Postgres, safe from any broker.

The drain loop hangs on the life of the process, not on the consumer: without Redis it polls and goes on.
"""

import os
import signal
import sys
from collections.abc import Callable
from threading import Timer
from types import FrameType
from typing import Any

from billiard import active_children, current_process
from celery import Celery, bootsteps, signals
from celery.concurrency.prefork import TaskPool as PreforkPool

from core.log import configure
from core.settings import get_settings
from worker_service import runtime

MAIN = "MainProcess"
LINGER_SECONDS = 7.0
"""How long a process that was told to stop may take over it, besides the grace of its jobs."""

app = Celery("cogep", include=["worker_service.tasks", "worker_service.upkeep.tasks"])
app.config_from_object("worker_service.celery_config")


class DrainStep(bootsteps.StartStopStep):
    """The runtime of pools that work inside the main process (solo, threads)."""

    requires = ("celery.worker.components:Pool",)

    def include_if(self, worker: Any) -> bool:
        """Prefork's main process must stay free of threads and connections: its children have them."""
        return not issubclass(worker.pool_cls, PreforkPool)

    def start(self, _worker: Any) -> None:
        """Begin before the consumer, which may wait for its broker for ever."""
        runtime.start()

    def stop(self, _worker: Any) -> None:
        """Finish or give back."""
        runtime.stop()

    def terminate(self, _worker: Any) -> None:
        """The same in a hurry: the grace is bounded anyway."""
        runtime.stop()


app.steps["worker"].add(DrainStep)


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    settings = get_settings()
    configure(level=settings.log_level, as_json=settings.log_json)


@signals.worker_init.connect
def _supervise_with_threads(sender: Any, **_: object) -> None:
    """Celery's event loop replaces dead children only while it has a broker; its threads always do."""
    sender.use_eventloop = False


@signals.worker_process_init.connect
def _start_in_child(**_: object) -> None:
    if current_process().name == MAIN:  # the solo pool sends this signal, too; `DrainStep` serves it
        return
    if sys.platform != "win32":
        # A supervisor may signal the whole process group: then a child, too, gives its jobs back.
        signal.signal(signal.SIGTERM, _leave)
    runtime.start()


@signals.worker_process_shutdown.connect
def _stop_in_child(**_: object) -> None:
    runtime.stop()


@signals.worker_shutting_down.connect
def _bound_the_shutdown(**_: object) -> None:
    """A child killed while it read the shared pipe leaves it locked: the others never hear of the end.

    They are told by signal, which makes them give back their jobs; then it is over, one way or the other.
    """
    patience = get_settings().queue_grace_seconds + LINGER_SECONDS
    _later(patience, _terminate_children)
    _later(2 * patience, os.kill, os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def _leave(_number: int, _frame: FrameType | None) -> None:
    runtime.stop()
    sys.exit(0)


def _terminate_children() -> None:
    for child in active_children():
        child.terminate()


def _later(seconds: float, act: Callable[..., object], *arguments: object) -> None:
    timer = Timer(seconds, act, arguments)
    timer.daemon = True
    timer.start()
