"""Who is calling. Services take a `Principal`, whatever door it came through."""

from dataclasses import dataclass
from enum import StrEnum

from core.access.permissions import Permission, Role


class PrincipalKind(StrEnum):
    """How the principal proved who it is."""

    KEY = "key"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls, and what they may do. Keys and people share one number line of `id`."""

    id: int
    name: str
    kind: PrincipalKind
    role: Role
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether the table grants it."""
        return permission in self.permissions

    def limited_to(self, everybodys: Permission) -> int | None:
        """Whose rows a query may show: the principal's own, or all (None) with this permission.

        The answer goes into the SQL, so that somebody else's row reads like one that does not exist.
        """
        return None if self.may(everybodys) else self.id
