"""Passwords: argon2id (RFC 9106). Slow on purpose: keep it off the event loop."""

import re
import secrets
import unicodedata

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic_core import PydanticCustomError

LEAST_LENGTH = 12
MOST_LENGTH = 128
GENERATED_BYTES = 15  # 120 bits, 20 characters
_UNWRITABLE = re.compile("[\ud800-\udfff\x00-\x1f\x7f-\x9f]")
# OWASP, Password Storage Cheat Sheet: 46 MiB, one pass, one lane. Several logins at once share two cores.
_HASHES = PasswordHash((Argon2Hasher(memory_cost=47_104, time_cost=1, parallelism=1),))


def hash_password(password: str) -> str:
    """The hash to store, with its parameters and a fresh salt. About 50 ms and 46 MiB."""
    return _HASHES.hash(password)


def verify(password: str, stored: str) -> tuple[bool, str | None]:
    """Whether it is the password, and a new hash when the stored one is of older parameters."""
    try:
        return _HASHES.verify_and_update(password, stored)
    except UnknownHashError:
        return False, None


def normalised(password: str) -> str:
    """NFKC (NIST SP 800-63B, 3.1.1.2): one password however it is typed. Refuses what nobody types."""
    if _UNWRITABLE.search(password):
        raise PydanticCustomError("password_characters", "a password holds no control characters")
    return unicodedata.normalize("NFKC", password)


def generate() -> str:
    """A random password for somebody who is to change it."""
    return secrets.token_urlsafe(GENERATED_BYTES)
