"""The signed head: kept outside, it proves later that nothing up to it was changed since.

Ed25519, with a key that is derived from the match secret: who has the public key and no secret can check it.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.audit.queries import Head, get_head
from core.audit.sealing import seal
from core.db import Database
from core.vault import Vault

PURPOSE = "audit-head-signing-key"
FORMAT = "cogep-audit-head-v1"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, who says so and when. `message` is what is signed, in UTF-8."""

    position: int
    hash: str
    signed_at: datetime
    public_key: str
    signature: str

    @property
    def message(self) -> str:
        """`cogep-audit-head-v1 <position> <hash> <time>`."""
        return _message(self.position, self.hash, self.signed_at)


async def signed_head(database: Database, vault: Vault) -> SignedHead:
    """The head as it is now, after everything that is committed was sealed."""
    await seal(database)
    async with database.connection() as connection:
        return sign(await get_head(connection), vault)


def sign(head: Head, vault: Vault) -> SignedHead:
    """The head, signed now."""
    key, now = _key(vault), datetime.now(UTC)
    signature = key.sign(_message(head.position, head.hash.hex(), now).encode())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SignedHead(head.position, head.hash.hex(), now, _text(public), _text(signature))


def _message(position: int, digest: str, at: datetime) -> str:
    return f"{FORMAT} {position} {digest} {at.astimezone(UTC).isoformat(timespec='microseconds')}"


def _key(vault: Vault) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(vault.digest(PURPOSE, b""))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
