"""Queue drain beside its peers, in one run: interleaved rounds, medians, fsync on, durable completions."""

import sys
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.contenders.celery_plain import CeleryPlain
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.ours import Ours
from benchmarks.contenders.pgbench import PgBench
from benchmarks.contenders.pgqueuer import PgQueuer
from benchmarks.contenders.procrastinate import Procrastinate
from core import log
from ops.embedded import EphemeralServers, ephemeral_servers

ROUNDS = 5
QUICK_ROUNDS = 3
QUICK_SHARE = 4
SERVER = {
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum_naptime": "10s",
}


@dataclass(frozen=True)
class Row:
    """Medians of one contender: jobs a second while draining, WAL bytes a job for its whole life."""

    name: str
    rate: float
    wal: float


def run(*, quick: bool = False) -> list[Row]:
    """Measure all; ours comes first, so that ratios are to it."""
    log.configure(level="ERROR")
    with ephemeral_servers(options=SERVER, durable=True) as servers:
        contenders = _contenders(servers)
        rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        wal: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        for contender in contenders:
            contender.prepare()
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            for contender in contenders:
                jobs = contender.jobs // (QUICK_SHARE if quick else 1)
                before = _wal_position(servers)
                rates[contender.name].append(contender.drain(jobs).rate)
                wal[contender.name].append((_wal_position(servers) - before) / jobs)
    return [Row(name, median(rates[name]), median(wal[name])) for name in rates]


def _contenders(servers: EphemeralServers) -> list[Contender]:
    def database(name: str) -> str:
        servers.postgres.create_database(name)
        return servers.postgres.url(name)

    assert servers.redis is not None, "this comparison needs a redis-server"
    pgbench = servers.postgres.bin / "pgbench"
    return [
        Ours(database("ours"), batch=100, jobs=60_000),
        Ours(database("ours_10"), batch=10, jobs=20_000),
        PgQueuer(database("pgqueuer"), batch=100, jobs=20_000),
        PgQueuer(database("pgqueuer_10"), batch=10, jobs=10_000),
        Procrastinate(database("procrastinate"), jobs=2_000),
        CeleryPlain(servers.redis.url(1), jobs=2_000),
        PgBench(database("pgbench"), pgbench, batch=100, clients=1, jobs=60_000),
        PgBench(database("pgbench_2"), pgbench, batch=100, clients=2, jobs=60_000),
    ]


def _wal_position(servers: EphemeralServers) -> int:
    return int(servers.postgres.psql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def table(rows: list[Row]) -> Table:
    """The rows for people, with how many times quicker the first one is."""
    ours = rows[0]
    shown = Table(title="Queue drain (no-op jobs, fsync on)")
    for column in ("", "jobs/s", "cogep is", "WAL bytes/job"):
        shown.add_column(column, justify="right" if column else "left")
    for row in rows:
        shown.add_row(row.name, f"{row.rate:,.0f}", f"{ours.rate / row.rate:.2f}x", f"{row.wal:,.0f}")
    return shown


if __name__ == "__main__":
    Console().print(table(run(quick="--quick" in sys.argv)))
