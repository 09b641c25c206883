"""Whose a case is, in which state, and who acts on it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from asyncpg import Record

from core.access import Permission, Principal, PrincipalKind
from core.models import CaseActor, CaseChange, CaseStatus, LeaseEnd
from core.models.case_states import HELD
from core.vault import Vault


class By(NamedTuple):
    """Who changes a case: a principal, or the product itself."""

    id: int | None
    role: CaseActor
    leads: bool = False
    """Whether they may change what others have."""
    sees: bool = False
    """Whether they may know of what others have."""


TIME = By(None, CaseActor.SYSTEM, leads=True, sees=True)
"""Nobody did it but the clock."""


def acting(principal: Principal) -> By:
    """As what a principal changes cases. An operator's key may do what an admin may."""
    leads = principal.may(Permission.CASES_ASSIGN)
    role = CaseActor(principal.role.value)
    if principal.kind is PrincipalKind.KEY and leads:
        role = CaseActor.ADMIN
    return By(principal.id, role, leads, sees=principal.may(Permission.CASES_ALL))


class Standing(NamedTuple):
    """What every event of a case tells whole: the last one is what the case is."""

    status: CaseStatus
    owner: int | None
    token: int
    expires_at: datetime | None

    def at(self, to: CaseStatus) -> Self:
        """Moved on to another state: in a state where nobody may have a case, nobody has it."""
        moved = self._replace(status=to)
        return moved if to in HELD else moved.unleased()

    def given_back(self) -> Self:
        """Nobody's: back in the pool, when it was being worked on."""
        back = {CaseStatus.EM_ATENDIMENTO: CaseStatus.DISPONIVEL}.get(self.status, self.status)
        return self._replace(status=back).unleased()

    def unleased(self) -> Self:
        """Nobody's. What ended has a token of its own: whoever still shows the old one is late."""
        if self.owner is None:
            return self
        return self._replace(owner=None, expires_at=None, token=self.token + 1)

    def leased(self, owner: int, expires_at: datetime) -> Self:
        """Somebody's under a new token."""
        return self._replace(owner=owner, token=self.token + 1, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Held:
    """A case nobody else changes until the transaction ends, at the database's time `at`."""

    key: int
    id: UUID
    client: UUID
    version: int
    at: datetime
    standing: Standing

    @classmethod
    def of(cls, row: Record) -> Self:
        """A row of `queries.LOCK`."""
        standing = Standing(
            CaseStatus(row["status"]), row["owner_id"], row["lease_token"], row["lease_expires_at"]
        )
        return cls(row["key"], row["id"], row["client"], row["version"], row["at"], standing)

    @property
    def is_over(self) -> bool:
        """Whether the lease is, though nobody wrote it down yet."""
        return self.standing.expires_at is not None and self.at >= self.standing.expires_at


@dataclass(frozen=True, slots=True)
class Note:
    """What is written of a change. `end` is why the lease before it ended, if it did."""

    change: CaseChange
    by: By
    end: LeaseEnd = LeaseEnd.MOVED_ON
    reason: str | None = None
    vault: Vault | None = None
