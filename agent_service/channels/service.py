"""Arrange our accounts. Secrets are sealed here and shown only as a hint of their end."""

from asyncpg import Record

from agent_service.channels import queries
from agent_service.channels.queries import NewChannel
from agent_service.channels.schemas import ChannelCreated, ChannelIn, ChannelOut, ChannelPatch, SecretOut
from core import audit
from core.channels.channel import SECRETS, Channel, Secret, completed, sealed
from core.channels.config import FIELDS, Config
from core.channels.queries import channel_of
from core.db import Connection, Database
from core.errors import Conflict, Invalid, NotFound
from core.models import ChannelKind
from core.vault import Vault
from core.web.etags import require_version
from core.web.pagination import Page, PageQuery, decode_cursor, encode_cursor

LEAST_HINTED = 16
SMTP = ("smtp_host", "smtp_port", "smtp_user", "smtp_security")
SENT_TO = {Secret.ACCESS_TOKEN: ("base_url",), Secret.API_KEY: ("base_url",), Secret.SMTP_PASSWORD: SMTP}
"""Which settings say where a secret of ours is sent to."""

UNTOLD = frozenset({Secret.REPLY_SECRET})  # made up by us, and nobody else needs it


class AccountTaken(Conflict):
    """There is an account of this name already."""

    code = "account_taken"


class NotOfThisKind(Invalid):
    """A setting or a secret does not belong to this kind of account."""

    code = "not_of_this_kind"


class SecretNeededAnew(Invalid):
    """A secret is sent only to where it was given for: with another server, give the secret again."""

    code = "secret_needed_anew"


async def create_channel(
    database: Database, vault: Vault, asked: ChannelIn, *, actor: int | None
) -> ChannelCreated:
    """A new account; the secrets made up for it come back this once. Raises AccountTaken, NotOfThisKind."""
    given = {secret: value.get_secret_value() for secret, value in asked.secrets.items()}
    _require_kind(asked.kind, asked.config, set(given))
    secrets = completed(asked.kind, given)
    async with database.connection() as connection, connection.transaction():
        row = await queries.insert_channel(connection, _new(vault, asked, secrets))
        if row is None:
            raise AccountTaken("there is an account of this name", pointer="/account")
        await _note(connection, actor, "created", asked.account)
    told = {name: value for name, value in secrets.items() if name not in {*given, *UNTOLD}}
    return ChannelCreated(**dict(_shown(vault, row)), generated=told)


async def get_channel(database: Database, vault: Vault, account: str) -> ChannelOut:
    """The account. Raises NotFound."""
    async with database.connection() as connection:
        return _shown(vault, _found(await queries.find_channel(connection, account)))


async def list_channels(database: Database, vault: Vault, query: PageQuery) -> Page[ChannelOut]:
    """A page of accounts, the oldest first. Raises BadCursor."""
    after = 0 if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    async with database.connection() as connection:
        rows = await queries.list_channels(connection, after=after, limit=query.limit + 1)
    more = encode_cursor(rows[query.limit - 1]["id"]) if len(rows) > query.limit else None
    return Page(items=[_shown(vault, row) for row in rows[: query.limit]], next_cursor=more)


async def update_channel(
    database: Database, vault: Vault, account: str, asked: ChannelPatch, *, expected: str, actor: int
) -> ChannelOut:
    """The account as it is now. Raises NotFound, PreconditionFailed, NotOfThisKind or SecretNeededAnew."""
    async with database.connection() as connection, connection.transaction():
        row = _found(await queries.lock_channel(connection, account))
        require_version(expected, row["version"])
        before = channel_of(vault, row)
        config, secrets = _changed_config(before, asked), _changed_secrets(before, asked)
        _require_kind(before.kind, config, set(asked.secrets))
        _require_secrets(before, config, asked)
        named = asked.model_dump(
            include={"name", "is_active", "assistant_on", "namespace"}, exclude_unset=True
        )
        plain = {name: row[name] for name in ("name", "is_active", "assistant_on", "namespace")}
        stored = _json(config), sealed(vault, account, secrets)
        values = {**plain, **named}.values()
        await _note(connection, actor, "changed", account, *asked.model_fields_set)
        return _shown(vault, await queries.update_channel(connection, account, *values, *stored))


async def delete_channel(database: Database, account: str, *, actor: int) -> None:
    """The account and its secrets are gone; what came through it stays. Raises NotFound."""
    async with database.connection() as connection, connection.transaction():
        if not await queries.delete_channel(connection, account):
            raise NotFound("there is no such account")
        await _note(connection, actor, "deleted", account)


async def _note(connection: Connection, actor: int | None, what: str, account: str, *members: str) -> None:
    """Which members were named, never what they hold: among them are secrets."""
    action, subject = f"channel.{what}", f"channel/{account}"
    data = {"members": ",".join(sorted(members))} if members else {}
    await audit.record(connection, actor=actor, action=action, subject=subject, data=data)


def _new(vault: Vault, asked: ChannelIn, secrets: dict[Secret, str]) -> NewChannel:
    return NewChannel(
        asked.account,
        asked.kind.value,
        asked.name,
        asked.is_active,
        asked.assistant_on,
        asked.namespace,
        _json(asked.config),
        sealed(vault, asked.account, secrets),
    )


def _changed_config(before: Channel, asked: ChannelPatch) -> Config:
    return before.config.model_copy(update=asked.config.model_dump(exclude_unset=True))


def _changed_secrets(before: Channel, asked: ChannelPatch) -> dict[Secret, str]:
    kept = {name: value for name, value in before.secrets.items() if name not in asked.secrets}
    given = {name: value.get_secret_value() for name, value in asked.secrets.items() if value is not None}
    return {**kept, **given}


def _require_kind(kind: ChannelKind, config: Config, secrets: set[Secret]) -> None:
    if set(config.model_dump(exclude_none=True)) - FIELDS[kind]:
        raise NotOfThisKind("a setting does not belong to this kind of account", pointer="/config")
    if secrets - SECRETS[kind]:
        raise NotOfThisKind("a secret does not belong to this kind of account", pointer="/secrets")


def _require_secrets(before: Channel, config: Config, asked: ChannelPatch) -> None:
    """Else a secret that never comes out again would be sent to whatever address is named."""
    for secret, places in SENT_TO.items():
        is_moved = any(getattr(before.config, place) != getattr(config, place) for place in places)
        if is_moved and secret in before.secrets and secret not in asked.secrets:
            raise SecretNeededAnew("another server needs the secret anew", pointer=f"/secrets/{secret}")


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("there is no such account")
    return row


def _json(config: Config) -> str:
    return config.model_dump_json(exclude_none=True)


def _shown(vault: Vault, row: Record) -> ChannelOut:
    channel = channel_of(vault, row)
    same = {name: getattr(channel, name) for name in ChannelOut.model_fields if hasattr(channel, name)}
    hints = {secret: _hint(channel.secrets.get(secret)) for secret in sorted(SECRETS[channel.kind])}
    times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
    return ChannelOut(**{**same, **times, "secrets": hints})


def _hint(secret: str | None) -> SecretOut:
    if secret is None:
        return SecretOut(is_set=False, last4=None)
    return SecretOut(is_set=True, last4=secret[-4:] if len(secret) >= LEAST_HINTED else None)
