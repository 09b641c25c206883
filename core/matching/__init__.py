"""How two spellings of one identity become one key, and two identities never do. Pure."""

from core.matching.keys import IdentityKind, Unmatchable, canonical

__all__ = ["IdentityKind", "Unmatchable", "canonical"]
