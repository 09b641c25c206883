"""Webhooks as the Standard Webhooks specification has them: secrets, signatures, and who may be called.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

from core.errors import JobError
from core.netguard import AllowList, Target, check_url

PREFIX = "whsec_"
SECRET_BYTES = 32
CHANNEL = "cogep_webhooks"
"""What is notified when there is something to deliver."""


def new_secret() -> bytes:
    """A signing key."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """The key as its receiver configures it."""
    return PREFIX + base64.b64encode(secret).decode()


def secret_context(subscription: UUID) -> str:
    """Where a sealed key belongs."""
    return f"webhook/{subscription}"


def signatures(keys: Iterable[bytes], message: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,<base64>` per key, so that keys can be rotated unseen."""
    signed = f"{message}.{timestamp}.".encode() + body
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def check_address(url: str, allowed: AllowList) -> Target:
    """What `url` points at, if events may be sent there: https, or a host the operator opened.

    Raises JobError `url_not_allowed`.
    """
    target = check_url(url, allowed)
    if target.scheme != "https" and not allowed.opens(target):
        raise JobError("url_not_allowed", "This address is not allowed: only https is.")
    return target
