"""What a person who logged in holds: an access token for minutes, and a refresh token to get the next one.

An access token (JWT, HS256) only says who and in which session; what they may do is read from the database.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

import jwt

from core.errors import Unauthenticated, Unavailable
from core.ids import uuid7
from core.settings import Settings

ALGORITHM = "HS256"
ISSUER = "cogep-assist"
AUDIENCE = "cogep-assist-api"
ACCESS_SECONDS = 600
LEEWAY_SECONDS = 5  # the clocks of two machines
REQUIRED = ("iss", "aud", "sub", "sid", "iat", "exp", "jti")
REFRESH_PREFIX = "cgr_"


class LoginClosed(Unavailable):
    """No token secret is configured, so nobody can log in."""

    code = "login_closed"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who an access token speaks of (`ops.people.public_id`), and their session (a refresh family)."""

    person: UUID
    session: UUID


class Tokens:
    """Makes and reads tokens with one secret. Each use has a key of its own, derived from it."""

    def __init__(self, secret: bytes) -> None:
        self._signing, self._chaining, self._hiding = (
            hmac.digest(secret, use, hashlib.sha256) for use in (b"access", b"refresh", b"fingerprint")
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The tokens of these settings. Raises LoginClosed when they hold no secret."""
        if settings.token_secret is None:
            raise LoginClosed("set COGEP_TOKEN_SECRET to let people log in", retry_after=60)
        return cls(settings.token_secret.get_secret_value().encode())

    def issue(self, claims: Claims, *, at: datetime | None = None) -> str:
        """An access token that ends after `ACCESS_SECONDS`."""
        issued = at or datetime.now(UTC)
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.person),
            "sid": str(claims.session),
            "iat": issued,
            "exp": issued + timedelta(seconds=ACCESS_SECONDS),
            "jti": str(uuid7()),
        }
        return jwt.encode(payload, self._signing, ALGORITHM)

    def read(self, token: str) -> Claims:
        """What a token of ours says. Raises Unauthenticated for any other, and for one that ended."""
        try:
            payload = jwt.decode(
                token,
                self._signing,
                [ALGORITHM],
                options={"require": list(REQUIRED)},
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
            )
            return Claims(UUID(payload["sub"]), UUID(payload["sid"]))
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Unauthenticated("this access token is not valid, or it has ended") from None

    def successor(self, refresh_token: str) -> str:
        """The refresh token that follows this one: the same each time, and nobody else can tell it."""
        chained = hmac.digest(self._chaining, refresh_token.encode(), hashlib.sha256)
        return refresh_token_of(chained)

    def fingerprint(self, *parts: str) -> bytes:
        """What stands for these texts where they must not be read: an HMAC-SHA256."""
        return hmac.digest(self._hiding, "\0".join(parts).encode(), hashlib.sha256)


def first_refresh_token() -> str:
    """A refresh token with 256 random bits, the first of its family."""
    return refresh_token_of(secrets.token_bytes(32))


def refresh_token_of(bits: bytes) -> str:
    """How 256 bits are written as a refresh token."""
    return f"{REFRESH_PREFIX}{bits.hex()}"


def refresh_digest(token: str) -> bytes:
    """What is stored of a refresh token: SHA-256, right for what is random already."""
    return hashlib.sha256(token.encode()).digest()
