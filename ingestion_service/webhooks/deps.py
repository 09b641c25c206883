"""Who knocks. An account that does not exist answers like a wrong secret: there is nothing to find out.

Only who holds its secret learns that an account is switched off.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import Field

from core.channels import Channel, Secret, find_channel
from core.channels.channel import is_secret, secret_of
from core.errors import Forbidden, NotFound, Unauthenticated
from core.models import ChannelKind
from core.types import Model, Slug
from core.web.auth import Demand
from core.web.runtime import runtime

ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SIGNATURE = "x-hub-signature-256"
HEADERS = ("x-webhook-secret", "apikey")
_SCHEME = APIKeyHeader(name="X-Webhook-Secret", scheme_name="WebhookSecret", auto_error=False)


class HoldsSecret(Demand):
    """A route's demand for its account's webhook secret, asked before the body is read."""

    def __init__(self, kind: ChannelKind) -> None:
        self.kind = kind

    async def __call__(
        self,
        request: Request,
        _account: Annotated[Slug, Path(alias="account")],
        _scheme: Annotated[Any, Security(_SCHEME)] = None,
    ) -> Channel:
        """The account. The two unused parameters put themselves into the OpenAPI document."""
        return await self.check(request)

    async def check(self, request: Request) -> Channel:
        """The account whose secret is presented. Raises Unauthenticated or NotFound."""
        known: Channel | None = getattr(request.state, "channel", None)
        if known is None:
            found = await knocked_at(request, request.path_params["account"], self.kind)
            is_theirs = is_secret(found, Secret.WEBHOOK_SECRET, _presented(request))
            request.state.channel = known = admitted(found, is_theirs=is_theirs)
        return known


async def knocked_at(request: Request, account: str, kind: ChannelKind) -> Channel | None:
    """The account of the address, if it is of this kind. Raises VaultClosed."""
    state = runtime(request)
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


class Signed(NamedTuple):
    """A delivery whose bytes are proven to be Meta's."""

    channel: Channel
    body: bytes


async def _signed(account: Slug, request: Request) -> Signed:
    """Raises Unauthenticated or NotFound. The body is read whoever sends it, so that time tells nothing."""
    await runtime(request).require_schema()
    body = await request.body()
    found = await knocked_at(request, account, ChannelKind.WHATSAPP_CLOUD)
    key = secret_of(found, Secret.APP_SECRET).encode()
    expected = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    presented = request.headers.getlist(SIGNATURE)
    is_theirs = len(presented) == 1 and hmac.compare_digest(expected.encode(), presented[0].encode())
    return Signed(admitted(found, is_theirs=is_theirs), body)


class Handshake(Model):
    """The query of Meta's handshake."""

    mode: Literal["subscribe"] = Field(alias="hub.mode")
    verify_token: str = Field(alias="hub.verify_token", max_length=2_000)
    challenge: str = Field(alias="hub.challenge", pattern=r"^[A-Za-z0-9_.-]{1,256}$")


async def _handshaken(account: Slug, request: Request, asked: Annotated[Handshake, Query()]) -> str:
    """Raises Forbidden or NotFound."""
    await runtime(request).require_schema()
    found = await knocked_at(request, account, ChannelKind.WHATSAPP_CLOUD)
    if not is_secret(found, Secret.VERIFY_TOKEN, asked.verify_token):
        raise Forbidden("the verify token is not this account's")
    admitted(found, is_theirs=True)
    return asked.challenge


SignedDelivery = Annotated[Signed, Depends(_signed)]
Challenge = Annotated[str, Depends(_handshaken)]
"""What to answer to a handshake whose verify token is the account's."""

EvolutionAccount = Annotated[Channel, Depends(HoldsSecret(ChannelKind.EVOLUTION))]
"""The Evolution account whose secret is presented."""

MailAccount = Annotated[Channel, Depends(HoldsSecret(ChannelKind.EMAIL))]
"""The mailbox whose secret is presented."""
