"""What identities are stored and locked by."""

import hashlib
from typing import NamedTuple

from core.contacts.message import Identifier
from core.matching import IdentityKind
from core.vault import Vault


class Key(NamedTuple):
    """A kind and the text its identities are found by: readable, or an HMAC where the value is sensitive."""

    kind: IdentityKind
    match_key: str

    @property
    def lock(self) -> int:
        """The number of this key's advisory lock."""
        digest = hashlib.blake2b(f"{self.kind}:{self.match_key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)


class Known(NamedTuple):
    """An identity as a row: its key, and its raw spelling, readable or sealed."""

    key: Key
    raw: str | None
    raw_sealed: bytes | None


def key_of(vault: Vault, identifier: Identifier) -> Key:
    """The key of an identity."""
    if not identifier.kind.is_sensitive:
        return Key(identifier.kind, identifier.value)
    return Key(identifier.kind, vault.digest(identifier.kind, identifier.value.encode()).hex())


def known(vault: Vault, identifier: Identifier) -> Known:
    """The identity as it is stored."""
    key = key_of(vault, identifier)
    if not identifier.kind.is_sensitive:
        return Known(key, identifier.raw, None)
    return Known(key, None, vault.seal(identifier.raw.encode(), context=identity_context(key)))


def raw_of(vault: Vault, identity: Known) -> str:
    """The raw spelling of a stored identity. Raises Unreadable."""
    if identity.raw_sealed is None:
        return identity.raw or ""
    return vault.open(identity.raw_sealed, context=identity_context(identity.key)).decode()


def identity_context(key: Key) -> str:
    """Where a sealed identity belongs."""
    return f"identity/{key.kind}/{key.match_key}"
