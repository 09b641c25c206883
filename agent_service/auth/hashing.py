"""Passwords are checked in threads, a few at a time: a flood of logins waits, all else does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import passwords
from core.errors import Unavailable

AT_ONCE = 2
WAITING = 20


class LoginsBusy(Unavailable):
    """Too many logins are being checked; the same one may succeed in a moment."""

    code = "logins_busy"


class Hashing:
    """The places where passwords of one application are hashed."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0
        self._nobodys = passwords.hash_password(passwords.generate())

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place to hash in. Raises LoginsBusy at once when as many wait as can be served soon."""
        if self._inside >= self._room:
            raise LoginsBusy("too many logins at once; try again shortly")
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it is the password, and a better hash to store; nobody's password takes as long."""
        right, fresh = await asyncio.to_thread(passwords.verify, password, stored or self._nobodys)
        return right and stored is not None, fresh

    async def hash(self, password: str) -> str:
        """The hash to store, made in a place of its own."""
        async with self.place():
            return await asyncio.to_thread(passwords.hash_password, password)
