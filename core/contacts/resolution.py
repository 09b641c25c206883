"""Find or make the one client some identities belong to, for every door a person may come through.

Whoever changes whose a match key is holds the key's advisory lock; whoever merges clients locks their rows.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from core.contacts import queries
from core.contacts.decision import Decision, decide
from core.contacts.keys import Key
from core.contacts.names import Names
from core.contacts.queries import Owner
from core.db import Connection


class Resolved(NamedTuple):
    """Whom the identities are. `is_conflict`: several clients seem to be meant, and wait for a human."""

    client: int
    contact: UUID
    is_new: bool
    is_conflict: bool


async def resolve(
    connection: Connection, names: Names, *, name: str | None = None, event: int | None = None
) -> Resolved:
    """The client known by these, made if there is none; in the caller's transaction.

    A client without a name gets this one. Raises UniqueViolationError when two gave one client a CPF at once:
    begin again.
    """
    await queries.lock_keys(connection, list(names.all))
    owners = await queries.find_owners(connection, list(names.all))
    keys = names.leading({owner.key for owner in owners})
    decision = _decide(keys, owners)
    client, contact = await _client(connection, decision, owners, name)
    await _note(connection, decision, client, owners)
    if decision.attach:
        known_now = [names.all[key] for key in decision.attach]
        await queries.insert_identities(connection, client, event, known_now)
    if decision.is_conflict:
        await queries.note_conflict(connection, decision.rivals | {client}, client, event)
    if names.heir is not None and names.sender in keys:
        await _succeed(connection, client, event, names, owners)
    return Resolved(client, contact, decision.client is None, decision.is_conflict)


def _decide(keys: Sequence[Key], owners: Sequence[Owner]) -> Decision:
    return decide(
        keys,
        {owner.key: owner.client for owner in owners},
        {owner.client: owner.cpf for owner in owners if owner.cpf is not None},
        {owner.key for owner in owners if owner.is_silent},
    )


async def _client(
    connection: Connection, decision: Decision, owners: Sequence[Owner], name: str | None
) -> tuple[int, UUID]:
    if decision.client is None:
        return await queries.insert_client(connection, name)
    if name is not None:
        await queries.name_client(connection, decision.client, name)
    contact = next(owner.contact for owner in owners if owner.client == decision.client)
    return decision.client, contact


async def _note(connection: Connection, decision: Decision, client: int, owners: Sequence[Owner]) -> None:
    """What was used today, and what changes hands."""
    if seen := [owner.identity for owner in owners if owner.client == client and owner.is_unnoted]:
        await queries.note_seen(connection, seen)
    if retired := [owner.identity for owner in owners if owner.key in decision.retire]:
        await queries.retire(connection, retired)


async def _succeed(
    connection: Connection, client: int, event: int | None, names: Names, owners: Sequence[Owner]
) -> None:
    """The sender's name ends, and the new one is theirs, unless it is somebody's: that is for a human."""
    assert names.heir is not None, "asked only about a succession"
    assert names.sender is not None, "as above"
    await queries.end_identity(connection, client, names.sender)
    owner = next((owner.client for owner in owners if owner.key == names.heir.key), None)
    if owner is None:
        await queries.insert_identities(connection, client, event, [names.heir])
    elif owner != client:
        await queries.note_conflict(connection, {client, owner}, client, event)
