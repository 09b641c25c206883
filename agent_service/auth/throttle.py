"""How often a password may be guessed. Nobody is locked out: the next try is put off, at most for minutes.

Two counters per try, of known and unknown e-mails alike, so that nothing tells them apart. One e-mail from
one network waits 1, 2, 4, ... s from the fifth failure on, at most 15 min: who guesses there does not stop
its owner at home. One e-mail from anywhere waits likewise from the hundredth failure on (NIST SP 800-63B,
3.2.2), at most half a minute: many networks together guess no more than that. A success ends both; sessions
are not touched.
"""

import ipaddress
import math
from dataclasses import dataclass

from agent_service.auth import queries
from core.db import Connection, Database
from core.errors import TooManyRequests
from core.tokens import Tokens

HOUSEHOLD_IPV6 = 64  # bits of the network that one subscriber has


class TooManyFailures(TooManyRequests):
    """Too many failed logins of this e-mail; wait as long as `Retry-After` says."""

    code = "too_many_failures"


@dataclass(frozen=True, slots=True)
class Limit:
    """After `free` failures each try waits twice as long as the one before, `longest` seconds at most."""

    free: int
    longest: float


ANYWHERE = Limit(free=100, longest=30)
ONE_NETWORK = Limit(free=5, longest=900)


@dataclass(frozen=True, slots=True)
class Counters:
    """Where the failures of one e-mail from one network are counted."""

    anywhere: bytes
    one_network: bytes


def counters(tokens: Tokens, who: str, address: str) -> Counters:
    """The counters of `who` calling from `address`. They tell neither."""
    network = _network(address)
    return Counters(tokens.fingerprint("failures", who), tokens.fingerprint("failures", who, network))


async def admit(database: Database, counted: Counters) -> None:
    """Count a try as failed before it is made: many at once are no way around. Raises TooManyFailures."""
    async with database.connection() as connection, connection.transaction():
        await _count(connection, counted.anywhere, ANYWHERE)
        await _count(connection, counted.one_network, ONE_NETWORK)


async def forgive(connection: Connection, counted: Counters) -> None:
    """It was the right password: the tries before are forgotten."""
    await queries.forget_failures(connection, [counted.anywhere, counted.one_network])


async def _count(connection: Connection, key: bytes, limit: Limit) -> None:
    wait = await queries.count_failure(connection, key, limit.free, limit.longest)
    if wait is not None:
        raise TooManyFailures("too many failed logins; try again later", retry_after=max(1, math.ceil(wait)))


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004 -- the protocol's name
        return str(found)
    return str(ipaddress.ip_network((found, HOUSEHOLD_IPV6), strict=False))
