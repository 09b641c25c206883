"""A leased row in Postgres: claim, renew, complete, fail, rescue, and the doorbell that wakes workers."""

from core.queue.doorbell import Doorbell, listen
from core.queue.jobs import (
    CancelOutcome,
    Claim,
    FailOutcome,
    Job,
    LeaseLost,
    NewJob,
    Rescue,
    Stats,
)
from core.queue.leasing import cancel_requested, claim, close, next_expiry, renew, rescue, sweep_orphans
from core.queue.link import DOWN, Link
from core.queue.settling import backoff, complete, complete_in, fail, progress, release
from core.queue.steering import cancel, enqueue, retry, stage, stats
from core.queue.table import INGESTION, QueueTable

__all__ = [
    "DOWN",
    "INGESTION",
    "CancelOutcome",
    "Claim",
    "Doorbell",
    "FailOutcome",
    "Job",
    "LeaseLost",
    "Link",
    "NewJob",
    "QueueTable",
    "Rescue",
    "Stats",
    "backoff",
    "cancel",
    "cancel_requested",
    "claim",
    "close",
    "complete",
    "complete_in",
    "enqueue",
    "fail",
    "listen",
    "next_expiry",
    "progress",
    "release",
    "renew",
    "rescue",
    "retry",
    "stage",
    "stats",
    "sweep_orphans",
]
