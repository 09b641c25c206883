"""One engine per process, one transaction per door. Doorbells ring only after the outer commit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

import asyncpg
import structlog
from pgvector.asyncpg import register_vector
from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from core.ambient import Ambient, surrounded_by, surrounding

log = structlog.get_logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Callback: TypeAlias = Callable[[], Awaitable[None]]
# PostgreSQL, appendix A: connections, no such database, rollbacks, resources, idleness, locks, interventions.
_OUTAGE = ("08", "3D", "40", "53", "25P03", "55P03", "57")
_CALLBACKS = "on_commit"
_SSL_PARAMETER = "sslmode"


def async_url(url: str) -> URL:
    """The SQLAlchemy form of a `postgres://` or `postgresql://` URL, `?sslmode=` included."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+asyncpg")
    mode = parsed.query.get(_SSL_PARAMETER)
    if mode is None:
        return parsed
    return parsed.difference_update_query([_SSL_PARAMETER]).update_query_dict({"ssl": mode})


def plain_url(url: str) -> str:
    """The libpq form of a URL, as asyncpg's own `connect` takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """An engine and the transactions made with it. Belongs to one event loop of one process.

    Timeouts are in seconds; the server enforces all but `pool_timeout`, the wait for a free connection.
    `settings` are more server settings for every
    connection (for example `{"enable_seqscan": "off"}` on a queue's connections).
    """

    def __init__(
        self,
        url: str,
        *,
        application: str = "cogep",
        pool_size: int = 10,
        pool_timeout: float = 5,
        statement_timeout: float = 5,
        lock_timeout: float = 2,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.url = url
        server_settings = {
            "application_name": application,
            "timezone": "UTC",
            "jit": "off",
            "statement_timeout": str(int(statement_timeout * 1000)),
            "lock_timeout": str(int(lock_timeout * 1000)),
            "idle_in_transaction_session_timeout": "15000",
            **(settings or {}),
        }
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,
            connect_args={"server_settings": server_settings, "timeout": 5, "command_timeout": 60},
        )
        event.listen(self.engine.sync_engine, "connect", _register_vector)
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        Callbacks given to `on_commit` run after the commit, in order. One that fails is logged: the
        work is committed, and whoever waits for the bell also polls. Inside `one_transaction` it is a
        savepoint, and its callbacks wait for the outer commit.
        """
        ambient = surrounding(self.engine)
        bind = self.engine if ambient is None else ambient.connection
        async with AsyncSession(
            bind, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            async with session.begin():
                yield session
            callbacks = session.info.pop(_CALLBACKS, [])
        if ambient is None:
            await _run(callbacks)
        else:
            ambient.callbacks += callbacks

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A raw connection outside of any transaction, one round trip a statement: for single ones.

        Inside `one_transaction` it is that one's, in a savepoint.
        """
        ambient = surrounding(self.engine)
        if ambient is not None:
            driver = await _begun(ambient.connection)
            async with driver.transaction():
                yield driver
            return
        pooled = await self._checked_out()
        try:
            yield cast("Connection", pooled.driver_connection)
        finally:
            await asyncio.shield(greenlet_spawn(pooled.close))  # a cancelled request gives it back, too

    async def _checked_out(self) -> PoolProxiedConnection:
        """A pooled connection. Raises asyncpg's own errors, not those of SQLAlchemy's adapter over it."""
        try:
            return await self.engine.raw_connection()
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise error.__cause__ or error from None

    @asynccontextmanager
    async def one_transaction(self) -> AsyncIterator[Connection]:
        """Make one transaction of all that this task does with the database until the block ends.

        Nested `transaction()` and `connection()` blocks become savepoints: one that fails takes back
        its own work only. No network call may be made meanwhile, and tasks started inside are on their own.
        """
        async with self.engine.connect() as connection:
            ambient = Ambient(connection)
            async with connection.begin():
                driver = await _begun(connection)
                with surrounded_by(ambient):
                    yield driver
        await _run(ambient.callbacks)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def on_commit(session: AsyncSession, callback: Callback) -> None:
    """Run `callback` once the session's outer transaction is committed; never after a rollback.

    SQLAlchemy's own `after_commit` also fires when a savepoint is released, hence a list of our own.
    """
    session.info.setdefault(_CALLBACKS, []).append(callback)


async def driver_connection(session: AsyncSession) -> Connection:
    """The raw asyncpg connection of the session's transaction, for statements whose cost matters."""
    return await _begun(await session.connection())


def sqlstate(error: DBAPIError) -> str | None:
    """The SQLSTATE of a database error, None when the server never answered."""
    return getattr(error.orig, "sqlstate", None)


def is_outage(error: BaseException) -> bool:
    """The database was away, overloaded or contended: the same may succeed later."""
    if isinstance(
        error, PoolTimeout | asyncpg.InterfaceError | asyncpg.InternalClientError | ConnectionError
    ):
        return True
    if isinstance(error, DBAPIError):
        lost = error.connection_invalidated or isinstance(error.__cause__, asyncpg.InterfaceError)
        return lost or (sqlstate(error) or "").startswith(_OUTAGE)
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(_OUTAGE)


async def _begun(connection: AsyncConnection) -> Connection:
    """The raw connection, in its transaction."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    if not driver.is_in_transaction():  # SQLAlchemy begins at its first statement, and ours is not its:
        adapted: Any = raw.dbapi_connection
        await adapted._start_transaction()  # noqa: SLF001 - what that statement would do, without its round trip
    return cast("Connection", driver)


async def _run(callbacks: Iterable[Callback]) -> None:
    for callback in callbacks:
        try:
            await callback()
        except Exception:
            log.warning("on_commit_failed", exc_info=True)


def _register_vector(connection: Any, _record: Any) -> None:
    """Pgvector values travel binary: a text vector costs half of the throughput."""
    connection.run_async(_register_if_installed)


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """A connection whose server went away is replaced at checkout. A ping would cost three round trips."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def _register_if_installed(connection: Connection) -> None:
    try:
        await register_vector(connection)
    except ValueError:  # before the first migration there is no such type
        log.debug("pgvector_not_installed")
