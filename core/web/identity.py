"""Who is calling. No HTTP here: services take a `Principal`."""

from dataclasses import dataclass

from core.apikeys import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls, and what they may do."""

    id: int
    name: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the principal has the scope; `admin` implies all."""
        return scope in self.scopes or Scope.ADMIN in self.scopes
