"""Plain Celery with a Redis broker and one message per job: nothing durable, results ignored."""

import os
import subprocess
import sys
import time
from pathlib import Path
from time import perf_counter

from celery import Celery
from redis import Redis

from benchmarks.contenders.contender import PAYLOAD_BYTES, Drained

URL = "BENCH_REDIS_URL"
DONE = "bench:seconds"

app = Celery("bench", broker=os.environ.get(URL, "memory://"))
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=128, broker_connection_retry_on_startup=True
)
_seen: list[float] = []


@app.task(name="bench.noop")
def noop(last: int, _payload: str) -> None:
    """Counts in the worker; the last one says how long it took since the first."""
    _seen.append(perf_counter())
    if len(_seen) == last:
        Redis.from_url(os.environ[URL]).set(DONE, _seen[-1] - _seen[0])
        _seen.clear()


class CeleryPlain:
    """The solo pool: the quickest for tasks that do nothing."""

    def __init__(self, redis_url: str, *, jobs: int) -> None:
        self.name = "Celery + Redis, one message a job"
        self.jobs = jobs
        self._redis_url = redis_url

    def prepare(self) -> None:
        """Point the producer at the server."""
        app.conf.update(broker_url=self._redis_url)

    def drain(self, jobs: int) -> Drained:
        """Fill the list, then start a worker on it."""
        redis = Redis.from_url(self._redis_url, decode_responses=True)
        redis.delete(DONE)
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(jobs):
                noop.apply_async((jobs, "x" * PAYLOAD_BYTES), producer=producer)
        command = [sys.executable, "-m", "celery", "-A", __name__, "worker", "-P", "solo", "--without-mingle"]
        worker = subprocess.Popen(
            command,
            env=os.environ | {URL: self._redis_url},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while (seconds := redis.get(DONE)) is None:
            assert worker.poll() is None, "the worker ended early"
            time.sleep(0.01)
        worker.terminate()
        worker.wait()
        return Drained(jobs, float(seconds))
