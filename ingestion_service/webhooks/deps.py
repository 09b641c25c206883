"""Who knocks. An account that does not exist answers like a wrong secret: there is nothing to find out.

Only who holds its secret learns that an account is switched off.
"""

import base64
import binascii
import re
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from core.channels import Channel, Secret, find_channel
from core.channels.channel import is_secret
from core.errors import NotFound, Unauthenticated
from core.models import ChannelKind
from core.web.auth import Demand
from core.web.runtime import runtime

ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
HEADERS = ("x-webhook-secret", "apikey")
_SCHEME = APIKeyHeader(name="X-Webhook-Secret", scheme_name="WebhookSecret", auto_error=False)


class HoldsSecret(Demand):
    """A route's demand for its account's webhook secret, asked before the body is read."""

    def __init__(self, kind: ChannelKind) -> None:
        self.kind = kind

    async def __call__(self, request: Request, _scheme: Annotated[Any, Security(_SCHEME)] = None) -> Channel:
        """The account. The unused parameter puts the scheme into the OpenAPI document."""
        return await self.check(request)

    async def check(self, request: Request) -> Channel:
        """The account whose secret is presented. Raises Unauthenticated or NotFound."""
        known: Channel | None = getattr(request.state, "channel", None)
        if known is None:
            found = await knocked_at(request, self.kind)
            is_theirs = is_secret(found, Secret.WEBHOOK_SECRET, _presented(request))
            request.state.channel = known = admitted(found, is_theirs=is_theirs)
        return known


async def knocked_at(request: Request, kind: ChannelKind) -> Channel | None:
    """The account of the address, if it is of this kind. Raises VaultClosed."""
    account, state = request.path_params["account"], runtime(request)
    if not ACCOUNT.fullmatch(account):
        return None
    async with state.database.connection() as connection:
        channel = await find_channel(connection, state.vault, account)
    return channel if channel is not None and channel.kind is kind else None


def admitted(channel: Channel | None, *, is_theirs: bool) -> Channel:
    """The account, once it is proven that the delivery is its own. Raises Unauthenticated or NotFound."""
    if channel is None or not is_theirs:
        raise Unauthenticated("the signature or the secret is not this account's")
    if not channel.is_active:
        raise NotFound("this account is switched off")
    return channel


def _presented(request: Request) -> str:
    """The secret of the request: in a header of its own, or as the password of HTTP Basic."""
    own = next((request.headers[name] for name in HEADERS if name in request.headers), None)
    return own if own is not None else _password(request.headers.get("authorization", ""))


def _password(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2] if scheme.lower() == "basic" else ""


EvolutionAccount = Annotated[Channel, Depends(HoldsSecret(ChannelKind.EVOLUTION))]
"""The Evolution account whose secret is presented."""
