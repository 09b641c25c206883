"""The queue's SQL against a model: any order of steps by three workers, pauses past the lease included."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core import queue
from core.db import Connection
from core.errors import JobError
from core.queue import INGESTION, Job, Link, NewJob

WORKERS = ("ana", "bia", "caio")
MAX_ATTEMPTS = 3
COLD = """
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source)
SELECT gen_random_uuid(), 'k', 'default', 'inline' FROM generate_series(1, $1::int) RETURNING id"""
workers = st.sampled_from(WORKERS)


class Row:
    def __init__(self) -> None:
        self.state = "ready"
        self.attempt = 0
        self.lease: int | None = None


class QueueMachine(RuleBasedStateMachine):
    runner: asyncio.Runner
    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.do(
            self.connection.execute(
                "DELETE FROM ai.ingestion_queue; DELETE FROM ai.ingestion_lease; "
                "DELETE FROM ai.ingestion_attempts; DELETE FROM ai.ingestion_payload"
            )
        )
        self.rows: dict[int, Row] = {}
        self.hands: dict[str, list[Job]] = {worker: [] for worker in WORKERS}
        self.leases: dict[int, str] = {}
        self.expired: set[int] = set()
        self.failures = 0

    def do(self, work: Any) -> Any:
        return self.runner.run(_await(work))

    def valid(self, job: Job) -> bool:
        return self.rows[job.id].lease == job.lease_id

    def settle(self, job: Job, state: str) -> None:
        row = self.rows[job.id]
        row.state, row.lease = state, None

    def pick(self, worker: str, index: int) -> Job:
        hand = self.hands[worker]
        return hand[index % len(hand)]

    @rule(count=st.integers(1, 4))
    def enqueue(self, count: int) -> None:
        ids = [row["id"] for row in self.do(self.connection.fetch(COLD, count))]
        jobs = [NewJob(id_, max_attempts=MAX_ATTEMPTS) for id_ in ids]
        assert self.do(queue.enqueue(self.connection, INGESTION, jobs)) == set(ids)
        self.rows.update({id_: Row() for id_ in ids})

    @rule(worker=workers, limit=st.integers(1, 5))
    def claim(self, worker: str, limit: int) -> None:
        ready = {id_ for id_, row in self.rows.items() if row.state == "ready"}
        claim = self.do(queue.claim(self.connection, INGESTION, limit=limit, worker=worker, ttl=600))
        assert len(claim.jobs) == min(limit, len(ready))
        assert {job.id for job in claim.jobs} <= ready
        for job in claim.jobs:
            row = self.rows[job.id]
            row.state, row.lease, row.attempt = "processing", job.lease_id, row.attempt + 1
            assert job.attempt == row.attempt
            self.leases[job.lease_id] = worker
        self.hands[worker] += claim.jobs

    @precondition(lambda self: any(self.hands.values()))
    @rule(
        worker=workers,
        index=st.integers(0, 50),
        how=st.sampled_from(["complete", "release", "retry", "fail"]),
    )
    def settle_one(self, worker: str, index: int, how: str) -> None:
        if not self.hands[worker]:
            return
        job = self.pick(worker, index)
        accepted = {
            "complete": self._complete,
            "release": self._release,
            "retry": lambda job: self._fail(job, retryable=True),
            "fail": lambda job: self._fail(job, retryable=False),
        }[how](job)
        assert accepted == self.valid(job), "a write is accepted exactly when it carries the current lease"
        if accepted:
            row = self.rows[job.id]
            again = "scheduled" if row.attempt < MAX_ATTEMPTS else "failed"
            row.attempt -= how == "release"
            self.failures += how in {"retry", "fail"}
            self.settle(
                job, {"complete": "completed", "release": "ready", "retry": again, "fail": "failed"}[how]
            )

    def _complete(self, job: Job) -> bool:
        return bool(self.do(queue.complete(self.connection, INGESTION, [job.id], job.lease_id)))

    def _release(self, job: Job) -> bool:
        return bool(self.do(queue.release(self.connection, INGESTION, [job.id], job.lease_id)))

    def _fail(self, job: Job, *, retryable: bool) -> bool:
        error = JobError("code", "motivo", retryable=retryable)
        outcome = self.do(queue.fail(self.connection, INGESTION, job, error, worker="w"))
        return outcome is not queue.FailOutcome.FENCED

    @rule(worker=workers)
    def pause_past_the_leases(self, worker: str) -> None:
        leases = [lease for lease, owner in self.leases.items() if owner == worker]
        self.expired.update(leases)
        self.do(
            self.connection.execute(
                "UPDATE ai.ingestion_lease SET expires_at = now() - interval '1 s' WHERE id = ANY($1)", leases
            )
        )

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        leases = [lease for lease, owner in self.leases.items() if owner == worker]
        assert self.do(queue.renew(self.connection, INGESTION, leases, ttl=600)) == set(leases)
        self.expired.difference_update(leases)

    @rule()
    def rescue(self) -> None:
        rescued = self.do(queue.rescue(self.connection, INGESTION))
        held = {id_ for id_, row in self.rows.items() if row.lease in self.expired}
        spent = {id_ for id_ in held if self.rows[id_].attempt >= MAX_ATTEMPTS}
        assert (set(rescued.ready), set(rescued.failed)) == (held - spent, spent)
        self.failures += len(held)
        for id_ in held:
            self.rows[id_].state, self.rows[id_].lease = ("failed" if id_ in spent else "ready"), None
        for lease in self.expired:
            del self.leases[lease]
        self.expired.clear()

    @rule()
    def time_comes_for_the_scheduled(self) -> None:
        self.do(self.connection.execute("UPDATE ai.ingestion_queue SET run_at = now() WHERE scheduled"))
        due = [row for row in self.rows.values() if row.state == "scheduled"]
        assert self.do(queue.stage(self.connection, INGESTION)) == len(due)
        for row in due:
            row.state = "ready"

    @precondition(lambda self: self.rows)
    @rule(index=st.integers(0, 50))
    def retry_by_hand(self, index: int) -> None:
        id_ = list(self.rows)[index % len(self.rows)]
        row = self.rows[id_]
        assert bool(self.do(queue.retry(self.connection, INGESTION, [id_]))) == (row.state == "failed")
        if row.state == "failed":
            row.state, row.attempt = "ready", 0

    @invariant()
    def the_database_agrees(self) -> None:
        found = {
            row["id"]: (_state(row), row["attempt"], row["lease_id"])
            for row in self.do(self.connection.fetch("SELECT * FROM ai.ingestion_queue"))
        }
        assert found == {id_: (row.state, row.attempt, row.lease) for id_, row in self.rows.items()}
        assert all(attempt <= MAX_ATTEMPTS for _, attempt, _ in found.values())
        leases = {row["id"] for row in self.do(self.connection.fetch("SELECT id FROM ai.ingestion_lease"))}
        assert leases == set(self.leases)
        assert {row.lease for row in self.rows.values() if row.lease} <= leases, "every held job has a lease"

    @invariant()
    def every_failure_is_noted(self) -> None:
        count = self.connection.fetchval("SELECT count(*) FROM ai.ingestion_attempts")
        assert self.do(count) == self.failures


def _state(row: Any) -> str:
    if row["status"] != "PENDING":
        return str(row["status"]).lower()
    return "ready" if row["ready"] else "scheduled"


async def _await(work: Any) -> Any:
    return await work


def test_any_history_of_three_workers_keeps_the_promises(database_url: str) -> None:
    with asyncio.Runner() as runner:
        QueueMachine.runner = runner
        link = Link(database_url, application="model")
        QueueMachine.connection = runner.run(link.connection())
        checks = (HealthCheck.too_slow, HealthCheck.data_too_large)
        run_state_machine_as_test(
            QueueMachine,
            settings=settings(
                max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=checks
            ),
        )
        runner.run(link.close())
