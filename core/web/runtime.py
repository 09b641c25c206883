"""What lives as long as the application: settings, the database, and whether its schema was verified."""

from functools import cached_property
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from core.db import Database
from core.errors import Unavailable
from core.migrations import DatabaseUnfit, require_fit
from core.settings import Settings
from core.tokens import Tokens
from core.vault import Vault
from core.web.large_bodies import Room
from core.web.rates import Rates


class Runtime:
    """The state of one running application."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.room = Room()
        self.rates = Rates(settings.redis_url.get_secret_value() if settings.redis_url else None)
        self._verified = False

    @cached_property
    def vault(self) -> Vault:
        """What seals personal data. Raises VaultClosed."""
        return Vault.of(self.settings)

    @cached_property
    def tokens(self) -> Tokens:
        """What makes and reads people's tokens. Raises LoginClosed."""
        return Tokens.of(self.settings)

    async def verify_schema(self) -> None:
        """Raise DatabaseUnfit unless our code can work on this database. Asked until it was once."""
        if not self._verified:
            await self.check()

    async def check(self) -> None:
        """Ask the database now: raises DatabaseUnfit, or whatever keeps it from answering."""
        await require_fit(self.database, self.settings.env)
        self._verified = True

    async def require_schema(self) -> None:
        """Raise Unavailable while the database is not fit to work on (it was down when we started)."""
        try:
            await self.verify_schema()
        except DatabaseUnfit as error:
            raise Unavailable(str(error), retry_after=30) from None


def runtime(request: Request) -> Runtime:
    """The runtime of the application that serves this request."""
    return cast("Runtime", request.app.state.runtime)


# Coroutines, since FastAPI sends plain functions through a thread.
async def _database(request: Request) -> Database:
    return runtime(request).database


async def _settings(request: Request) -> Settings:
    return runtime(request).settings


Db = Annotated[Database, Depends(_database)]
"""The database. A route's service opens `database.transaction()` itself: committed before it answers."""


async def _vault(request: Request) -> Vault:
    return runtime(request).vault


Sealed = Annotated[Vault, Depends(_vault)]
"""The vault; a service without field keys answers 503 here."""

Config = Annotated[Settings, Depends(_settings)]


def state(request: Request, name: str) -> Any:
    """Something a service's own lifespan hung on `app.state`."""
    return getattr(request.app.state, name)
