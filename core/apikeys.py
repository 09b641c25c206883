"""API keys: how they are minted, written and recognised. `cgp_<env>_<10-char id>_<43-char secret>`."""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum

_ALPHABET = string.ascii_lowercase + string.digits
_SHAPE = re.compile(r"cgp_[a-z]{2,8}_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a key may do. `admin` implies all the others."""

    INGEST = "ingest"
    READ = "read"
    CHAT = "chat"
    CRM = "crm"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. `plaintext` is shown once and stored nowhere."""

    plaintext: str
    public_id: str
    secret_sha256: bytes


def mint(env: str) -> MintedKey:
    """A new key with 256 random bits."""
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    secret = secrets.token_urlsafe(32)
    return MintedKey(f"cgp_{env}_{public_id}_{secret}", public_id, digest(secret))


def parse(plaintext: str) -> tuple[str, str] | None:
    """(public id, secret) of a well-formed key, else None."""
    match = _SHAPE.fullmatch(plaintext)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> bytes:
    """What is stored: SHA-256, right for a secret that is random already."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, stored: bytes) -> bool:
    """Whether the secret is the stored one, in constant time."""
    return hmac.compare_digest(digest(secret), stored)
