"""What must not lie readable in the database: sealed with AES-256-GCM, and found again by an HMAC.

A sealed value is `id length | key id | nonce (12) | ciphertext and tag`. It opens only in its own place: the
context is authenticated with it, so that a value moved to another row is refused.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import Unavailable
from core.settings import Settings

NONCE_BYTES = 12  # random: at most 2^32 values per key (NIST SP 800-38D, 8.3)


class VaultClosed(Unavailable):
    """No field keys are configured, so nothing about persons can be stored or read."""

    code = "vault_closed"


class Unreadable(Exception):
    """The value was sealed with a key that is not here, for another place, or it was damaged."""


class Vault:
    """The field keys and the match secret. The first key seals, all of them open."""

    def __init__(self, keys: Mapping[str, bytes], match_secret: bytes) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._sealer = next(iter(keys))
        self._secret = match_secret

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The vault of these settings. Raises VaultClosed when they hold no keys."""
        if settings.field_keys is None or settings.match_secret is None:
            raise VaultClosed("set COGEP_FIELD_KEYS and COGEP_MATCH_SECRET to store data of persons")
        return cls(settings.parsed_field_keys, settings.match_secret.get_secret_value().encode())

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """The sealed form of `plaintext`, another one each time."""
        name, nonce = self._sealer.encode(), os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._sealer].encrypt(nonce, plaintext, context.encode())
        return bytes([len(name)]) + name + nonce + sealed

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """What was sealed in this context. Raises Unreadable."""
        length = sealed[0] if sealed else 0
        name, rest = sealed[1 : 1 + length], sealed[1 + length :]
        cipher = self._ciphers.get(name.decode(errors="replace"))
        if cipher is None:
            raise Unreadable("the key of this value is not configured")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise Unreadable("this value was sealed for another place, or it is damaged") from None

    def digest(self, kind: str, value: bytes) -> bytes:
        """HMAC-SHA256 of a value of a kind: equal values are found; without the secret none is guessed."""
        return hmac.digest(self._secret, kind.encode() + b"\0" + value, hashlib.sha256)
