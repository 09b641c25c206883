"""`cogep up`: from nothing to a product that answers, in the order in which things need each other."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from core import migrations
from ops import processes
from ops.banner import banner
from ops.console import Console
from ops.embedded import (
    EmbeddedPostgres,
    EmbeddedRedis,
    EmbeddedServer,
    FolderInUse,
    FolderLock,
    redis_executable,
)
from ops.errors import CannotStart
from ops.keys import ensure_first_key
from ops.runfile import RunFile, end_leftovers
from ops.settings import OpsSettings
from ops.supervisor import GRACE_SECONDS, Supervisor

STOP_SECONDS = GRACE_SECONDS + 30


def up(settings: OpsSettings, console: Console) -> None:
    """Runs the product until it is told to stop. Raises CannotStart, ServerError or a database error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        lock = FolderLock(settings.data)
        try:
            stack.enter_context(lock)
        except FolderInUse as busy:
            raise CannotStart(
                f"O COGEP já está rodando em {settings.data} (processo {busy.pid}). "
                "Veja com `cogep status`; encerre com `cogep stop`."
            ) from None
        for name in _clear_up(settings):
            console.note(f"encerrado {name}, resto de uma execução interrompida")
        require_free_ports(settings)
        _run(settings, console, stack)


def _run(settings: OpsSettings, console: Console, stack: ExitStack) -> None:
    servers: list[EmbeddedServer] = []
    database_url = _database(settings, console, servers, stack)
    redis_url = _doorbell(settings, console, servers, stack)
    console.note("atualizando o esquema do banco")
    migrations.upgrade(database_url)
    is_new = ensure_first_key(database_url, settings.admin_key_file, env=settings.env)
    supervisor = Supervisor(
        processes.product(settings),
        processes.environment(database_url, redis_url, settings),
        console,
        RunFile(settings.data),
        servers,
    )
    console.note("iniciando as APIs, o worker e o beat")
    asyncio.run(supervisor.run(ready=lambda: console.plain(banner(settings, first_time=is_new))))
    # From here on only the servers are left, and they take a moment to put their data in order.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    console.note("encerrando os servidores")


def _database(
    settings: OpsSettings, console: Console, servers: list[EmbeddedServer], stack: ExitStack
) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    console.note("iniciando o Postgres embutido")
    postgres = stack.enter_context(embedded_postgres(settings))
    servers.append(postgres)
    return postgres.url()


def _doorbell(
    settings: OpsSettings, console: Console, servers: list[EmbeddedServer], stack: ExitStack
) -> str | None:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    if redis_executable() is None:
        console.note("não há redis-server nesta máquina: os workers procuram trabalho a cada segundo")
        return None
    console.note("iniciando o Redis embutido")
    redis = stack.enter_context(EmbeddedRedis(settings.data / "redis"))
    servers.append(redis)
    return redis.url()


def embedded_postgres(settings: OpsSettings) -> EmbeddedPostgres:
    """The embedded Postgres of a data folder, not started."""
    return EmbeddedPostgres(settings.data / "postgres", options={"max_connections": "200"})


@contextmanager
def reach_database(settings: OpsSettings) -> Iterator[str]:
    """URL of the product's database: the one given, the one that runs, or the embedded one for a moment."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    postgres = embedded_postgres(settings)
    try:
        postgres.start()
    except FolderInUse:
        yield postgres.url()
        return
    with postgres:
        yield postgres.url()


def require_free_ports(settings: OpsSettings) -> None:
    """Raises CannotStart naming the busy port and what changes it."""
    for what, port in (("ingestion", settings.ingestion_port), ("agent", settings.agent_port)):
        try:
            _try_port(settings.host, port)
        except OSError as error:
            raise CannotStart(
                f"A porta {settings.host}:{port} não pode ser usada ({error.strerror}). "
                f"Escolha outra: `cogep up --{what}-port N` ou COGEP_{what.upper()}_PORT=N."
            ) from None
    if settings.ingestion_port == settings.agent_port:
        raise CannotStart(f"As duas APIs estão na porta {settings.agent_port}; dê uma porta a cada uma.")


def _try_port(host: str, port: int) -> None:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _clear_up(settings: OpsSettings) -> list[str]:
    """Ends what a killed `cogep up` left running; the names. For the holder of the data folder's lock."""
    servers: list[EmbeddedServer] = [embedded_postgres(settings), EmbeddedRedis(settings.data / "redis")]
    names = end_leftovers(RunFile(settings.data).read())
    RunFile(settings.data).clear()
    return names + [server.name for server in servers if server.clear_up()]


def running_supervisor(settings: OpsSettings) -> int | None:
    """Process id of the `cogep up` that holds the data folder, None when there is none."""
    return FolderLock(settings.data).holder()


def stop(settings: OpsSettings) -> bool:
    """Ends the running product, or what is left of a killed one, and waits for it; whether there was any."""
    if not settings.data.exists():
        return False
    pid = running_supervisor(settings)
    if pid is None:
        with FolderLock(settings.data):
            return bool(_clear_up(settings))
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running_supervisor(settings) == pid:
        if time.monotonic() > deadline:
            raise CannotStart(f"O processo {pid} não terminou em {STOP_SECONDS:g} s.")
        time.sleep(0.1)
    return True
