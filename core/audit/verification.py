"""Walk the chain and find the first entry that is not what it was when it was sealed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.audit import queries
from core.audit.chain import GENESIS, link
from core.audit.queries import Head, Sealed, Tail
from core.db import Database

BATCH = 500


class Fault(StrEnum):
    """What is wrong with the chain."""

    ALTERED = "altered"
    REMOVED = "removed"
    CUT_OFF = "cut_off"
    NEVER_SEALED = "never_sealed"
    NOT_IN_CHAIN = "not_in_chain"


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold; `entry` is the id of what stands there, if anything."""

    fault: Fault
    position: int
    entry: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk found: how many entries hold, the head, and how many wait for their seal."""

    checked: int
    head: Head
    tail: Tail
    first_break: Break | None


async def verify(database: Database, *, known: Head | None = None) -> Verdict:
    """Walk the whole chain in short reads. `known` is a head exported earlier, which must be part of it."""
    async with database.connection() as connection:
        head = await queries.get_head(connection)
    walk = Walk(known)
    while walk.first_break is None and walk.position < head.position:
        async with database.connection() as connection:
            batch = await queries.list_sealed(connection, walk.position, head.position, BATCH)
        walk.follow(batch)
        if not batch:
            walk.stop(Fault.CUT_OFF, None)
    async with database.connection() as connection:
        beyond = await queries.find_beyond_head(connection)
        tail = await queries.count_unsealed(connection)
    walk.arrive(head)
    if beyond is not None:
        walk.stop(Fault.NEVER_SEALED, beyond["id"])
    return Verdict(walk.position, head, tail, walk.first_break)


class Walk:
    """How far the chain was followed, and where it broke."""

    def __init__(self, known: Head | None) -> None:
        self.position = 0
        self.first_break: Break | None = None
        self._previous = GENESIS
        self._known = known

    def follow(self, batch: Iterable[Sealed]) -> None:
        """Go on along the entries, up to the first that does not fit."""
        for entry, position, sealed in batch:
            if position != self.position + 1:
                return self.stop(Fault.REMOVED, entry.id)
            expected = link(self._previous, position, entry)
            if expected != sealed:
                return self.stop(Fault.ALTERED, entry.id)
            if self._known is not None and self._known.position == position and self._known.hash != expected:
                return self.stop(Fault.NOT_IN_CHAIN, entry.id)
            self.position, self._previous = position, expected
        return None

    def arrive(self, head: Head) -> None:
        """The walk must end at the head, and not before the head that is known from earlier."""
        if head.position < 0 or (self.position == head.position and self._previous != head.hash):
            self.stop(Fault.CUT_OFF, None)
        if self._known is not None and self._known.position > self.position:
            self.stop(Fault.NOT_IN_CHAIN, None)

    def stop(self, fault: Fault, entry: int | None) -> None:
        """Note a break, unless there was one before."""
        self.first_break = self.first_break or Break(fault, self.position + 1, entry)
