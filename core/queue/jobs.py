"""The words of the queue: what is put in, what is handed out, and what a write may answer."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

CANCELLED = "cancelled"
"""The error code of a job that was stopped because somebody asked."""


class NewJob(NamedTuple):
    """A hot row to be. `id` is the cold row's; `run_at` in the future makes the job scheduled.

    While a job with the same `dedupe_key` is unfinished, a second one is not taken.
    """

    id: int
    priority: int = 100
    run_at: datetime | None = None
    max_attempts: int = 5
    dedupe_key: str | None = None


class Job(NamedTuple):
    """A job in a worker's hands: (`id`, `lease_id`) is the right to write about it.

    A `suspect` was in the hands of a worker that died: it is to be run with no neighbours.
    """

    id: int
    lease_id: int
    attempt: int
    max_attempts: int
    kind: str
    suspect: bool
    cancel_requested: bool


class Claim(NamedTuple):
    """One batch under one lease; no jobs, no lease."""

    lease_id: int | None
    jobs: list[Job]


class CancelOutcome(StrEnum):
    """What asking to stop a job led to."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    FINISHED = "finished"


class FailOutcome(StrEnum):
    """What became of a failed attempt."""

    RETRY = "retry"
    FAILED = "failed"
    FENCED = "fenced"


class Rescue(NamedTuple):
    """Jobs taken back from dead workers: ready again, or failed because no attempt is left."""

    ready: list[int]
    failed: list[int]


class Stats(NamedTuple):
    """Counts now. `oldest_ready_seconds` is how long the next ready job has waited."""

    ready: int
    scheduled: int
    processing: int
    completed: int
    failed: int
    leases: int
    oldest_ready_seconds: float


class LeaseLost(Exception):
    """The lease is no longer ours: whatever was done under it must be rolled back."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.id} is no longer held by lease {job.lease_id}")
        self.job = job
