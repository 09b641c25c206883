"""Celery supervises the worker processes and carries upkeep; jobs stay in Postgres, safe from any broker.

The drain loop hangs on the life of the process, not on the consumer: without Redis it polls and goes on.
"""

import signal
import sys
from types import FrameType
from typing import Any

from celery import Celery, bootsteps, signals
from celery.concurrency.prefork import TaskPool as PreforkPool

from core.log import configure
from core.settings import get_settings
from worker_service import runtime

settings = get_settings()
broker = settings.redis_url.get_secret_value() if settings.redis_url else "memory://"

app = Celery("cogep", broker=broker, include=["worker_service.tasks", "worker_service.upkeep.tasks"])
app.conf.update(
    task_ignore_result=True,
    task_default_queue="cogep",
    task_acks_late=False,
    task_track_started=False,
    task_time_limit=300,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=settings.queue_grace_seconds,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=True,
    worker_send_task_events=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    beat_scheduler="celery.beat:Scheduler",  # in memory: no file in whatever folder it was started from
    beat_schedule={
        name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
        for name, seconds in {
            "upkeep.rescue": 30.0,
            "upkeep.stage": 30.0,
            "upkeep.sweep_orphans": 600.0,
            "upkeep.expire_attempts": 3600.0,
            "upkeep.expire_blobs": 3600.0,
        }.items()
    },
    timezone="UTC",
)


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
    configure(level=settings.log_level, as_json=settings.log_json)


@signals.worker_init.connect
def _supervise_with_threads(sender: Any, **_: object) -> None:
    """Celery's event loop replaces dead children only while it has a broker; its threads always do."""
    sender.use_eventloop = False


@signals.worker_process_init.connect
def _start_in_child(**_: object) -> None:
    if sys.platform != "win32":
        # A supervisor may signal the whole process group: then a child, too, gives its jobs back.
        signal.signal(signal.SIGTERM, _leave)
    runtime.start()


@signals.worker_process_shutdown.connect
def _stop_in_child(**_: object) -> None:
    runtime.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    runtime.stop()
    sys.exit(0)
