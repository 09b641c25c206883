"""The same claim and complete through pgbench: what Postgres allows without any framework."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import uvloop

from benchmarks.contenders.contender import Drained
from benchmarks.contenders.ours import Ours
from core.queue import INGESTION, statements
from core.queue.link import GUARDS

HANDED_OUT = (
    "SELECT array_agg(c.id) AS ids, min(c.lease_id) AS lease FROM claimed c LEFT JOIN {cold} p USING (id)"
)
SCRIPT = r"""
{claim} \gset
{complete};
"""


class PgBench:
    """`clients` connections, `batch` jobs a claim, no handler at all."""

    def __init__(self, url: str, executable: Path, *, batch: int, clients: int, jobs: int) -> None:
        self.name = f"raw pgbench, batch {batch}, {clients} clients"
        self.jobs = jobs
        self._url = url
        self._executable = executable
        self._batch = batch
        self._clients = clients

    def prepare(self) -> None:
        """The product's tables."""
        Ours(self._url, batch=self._batch, jobs=0).prepare()

    def drain(self, jobs: int) -> Drained:
        """As many transactions as there are batches."""
        uvloop.run(Ours(self._url, batch=self._batch, jobs=0).fill(jobs))
        rounds = jobs // self._batch // self._clients
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(self._script())
            script.flush()
            printed = subprocess.run(
                [
                    *(self._executable, "-n", "-M", "prepared", "-f", script.name, "-t", str(rounds)),
                    *("-c", str(self._clients), "-j", str(self._clients), self._url),
                ],
                env=os.environ
                | {"PGOPTIONS": " ".join(f"-c {key}={value}" for key, value in GUARDS.items())},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        done = rounds * self._clients * self._batch
        rate = re.search(r"tps = ([\d.]+)", printed)
        assert rate is not None, printed
        return Drained(done, done / (float(rate[1]) * self._batch))

    def _script(self) -> str:
        claim = INGESTION.sql(statements.CLAIM.partition("SELECT c.id")[0] + HANDED_OUT)
        for parameter, value in (("$1", str(self._batch)), ("$2", "'pgbench'"), ("$3", "30")):
            claim = claim.replace(parameter, value)
        complete = INGESTION.sql(statements.COMPLETE)
        for parameter, value in (("$1", ":ids"), ("$2", ":lease"), ("$3", "true")):
            complete = complete.replace(parameter, value)
        return SCRIPT.format(claim=" ".join(claim.split()), complete=" ".join(complete.split()))
