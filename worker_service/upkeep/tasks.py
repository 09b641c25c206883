"""The chores as Celery tasks, sent by beat."""

from celery import Task

from core.settings import get_settings
from worker_service import runtime
from worker_service.celery_app import app
from worker_service.embedding import embedder
from worker_service.upkeep.calibration import calibrate_namespaces
from worker_service.upkeep.service import CHORES, do_chore

TIMEOUT = 60.0
CALIBRATION_TIMEOUT = 240.0


def _register(chore: str) -> "Task[[], None]":
    def run() -> None:
        runtime.current().call(lambda database: do_chore(database, chore), timeout=TIMEOUT)

    return app.task(name=f"upkeep.{chore}")(run)


TASKS = {chore: _register(chore) for chore in CHORES}


@app.task(name="upkeep.calibrate")
def calibrate() -> None:
    """Let namespaces test themselves."""
    runtime.current().call(
        lambda database: calibrate_namespaces(database, embedder(get_settings())), timeout=CALIBRATION_TIMEOUT
    )
