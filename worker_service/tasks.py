"""Celery's door into the queue, for whoever speaks Celery and not our Redis channel."""

from worker_service import runtime
from worker_service.celery_app import app


@app.task(name="queue.wake", expires=5)
def wake() -> None:
    """Look at the queue now. Carries no job: it may be lost, repeated or late."""
    runtime.current().wake()
