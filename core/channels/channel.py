"""An account as the doors and the senders of messages see it, its secrets open."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from core.channels.config import Config
from core.models import ChannelKind, MessageSource
from core.vault import Unreadable, Vault, VaultClosed


class Secret(StrEnum):
    """What proves that a message is the channel's, or that a reply is ours."""

    APP_SECRET = auto()
    VERIFY_TOKEN = auto()
    ACCESS_TOKEN = auto()
    API_KEY = auto()
    WEBHOOK_SECRET = auto()
    SMTP_PASSWORD = auto()
    REPLY_SECRET = auto()


SECRETS: Mapping[ChannelKind, frozenset[Secret]] = {
    ChannelKind.WHATSAPP_CLOUD: frozenset({Secret.APP_SECRET, Secret.VERIFY_TOKEN, Secret.ACCESS_TOKEN}),
    ChannelKind.EVOLUTION: frozenset({Secret.WEBHOOK_SECRET, Secret.API_KEY}),
    ChannelKind.EMAIL: frozenset({Secret.WEBHOOK_SECRET, Secret.SMTP_PASSWORD, Secret.REPLY_SECRET}),
    ChannelKind.CONSOLE: frozenset(),
}
"""Which secrets a kind of account has."""

OURS = frozenset({Secret.VERIFY_TOKEN, Secret.WEBHOOK_SECRET, Secret.REPLY_SECRET})
"""Secrets we make up ourselves when none is given."""

SOURCES: Mapping[ChannelKind, MessageSource] = {
    ChannelKind.WHATSAPP_CLOUD: MessageSource.WHATSAPP,
    ChannelKind.EVOLUTION: MessageSource.WHATSAPP,
    ChannelKind.EMAIL: MessageSource.EMAIL,
    ChannelKind.CONSOLE: MessageSource.OTHER,
}

_NOBODYS = secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Channel:
    """One of our accounts."""

    account: str
    kind: ChannelKind
    name: str
    is_active: bool
    assistant_on: bool
    namespace: str
    config: Config
    version: int
    secrets: Mapping[Secret, str] = field(repr=False)

    @property
    def source(self) -> MessageSource:
        """What messages that come through it are said to come from."""
        return SOURCES[self.kind]


def secret_of(channel: Channel | None, secret: Secret) -> str:
    """A secret to compare with: where there is none, one that nobody can know, so that time tells nothing."""
    return (channel and channel.secrets.get(secret)) or _NOBODYS


def is_secret(channel: Channel | None, secret: Secret, presented: str) -> bool:
    """Whether this is the channel's secret, in constant time; False without a channel or a secret."""
    return hmac.compare_digest(secret_of(channel, secret).encode(), presented.encode(errors="replace"))


def completed(kind: ChannelKind, given: Mapping[Secret, str]) -> dict[Secret, str]:
    """The secrets of a new account: those given, and made-up ones where we may choose."""
    made = {secret: secrets.token_urlsafe(32) for secret in sorted(SECRETS[kind] & OURS)}
    return {**made, **given}


def sealed(vault: Vault, account: str, opened: Mapping[Secret, str]) -> bytes:
    """The secrets as they are stored."""
    return vault.seal(json.dumps(opened).encode(), context=_context(account))


def opened(vault: Vault, account: str, stored: bytes) -> dict[Secret, str]:
    """The secrets that were stored. Raises VaultClosed when their key is gone."""
    try:
        found = json.loads(vault.open(stored, context=_context(account)))
    except Unreadable:
        raise VaultClosed("the key this account was sealed with is not configured") from None
    return {Secret(name): value for name, value in found.items()}


def _context(account: str) -> str:
    return f"channel/{account}"
