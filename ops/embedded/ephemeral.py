"""Throw-away servers for tests and benchmarks: quick, private, and gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis, redis_executable
from ops.embedded.server import stop_leftovers
from ops.embedded.state import FolderInUse, FolderLock

PREFIX = "cogep-ephemeral-"


@dataclass(frozen=True)
class EphemeralServers:
    """Running servers; `redis` is None where this machine has no redis-server."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis | None


@contextmanager
def ephemeral_servers(
    *, version: int = 18, options: Mapping[str, str] | None = None, durable: bool = False
) -> Iterator[EphemeralServers]:
    """Postgres and Redis in a temporary folder of their own: any number of processes may do this at once."""
    _sweep_abandoned()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(FolderLock(folder))
        redis = stack.enter_context(EmbeddedRedis(folder / "redis")) if redis_executable() else None
        postgres = EmbeddedPostgres(folder / "pg", version=version, options=options, durable=durable)
        yield EphemeralServers(stack.enter_context(postgres), redis)


def _sweep_abandoned() -> None:
    """A test run ended by kill -9 cleans nothing up: the next one does it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # A folder without a lock file is being born in another process, or somebody else's to remove.
        if not (folder / "lock").exists():
            continue
        with suppress(FolderInUse, PermissionError), FolderLock(folder):
            for home in (folder / "pg" / "data", folder / "redis"):
                stop_leftovers(home, (SIGKILL,))
            shutil.rmtree(folder, ignore_errors=True)
