"""The servers that come with the product: a real Postgres (pgvector) and a real Redis, from PyPI wheels."""

from ops.embedded.ephemeral import EphemeralServers, ephemeral_servers
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis, redis_executable
from ops.embedded.server import EmbeddedServer, ServerError, ended
from ops.embedded.state import FolderInUse, FolderLock, secret_file

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServer",
    "EphemeralServers",
    "FolderInUse",
    "FolderLock",
    "ServerError",
    "ended",
    "ephemeral_servers",
    "redis_executable",
    "secret_file",
]
