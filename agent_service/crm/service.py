"""Look at clients, and decide that two of them are one person. A merge can be taken back whole."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.crm import queries
from agent_service.crm.queries import Found
from agent_service.crm.schemas import (
    ConflictOut,
    ConflictQuery,
    MergeIn,
    MergeOut,
    MovedOut,
)
from core import consents
from core.access import Principal
from core.audit import record
from core.contacts.errors import ClientMerged
from core.db import Connection, Database, driver_connection
from core.errors import Conflict, Invalid, NotFound
from core.models import ClientStatus, EventType
from core.outbox import emit
from core.web.pagination import Page, page_of


class SameClient(Invalid):
    """A client cannot be merged with itself."""

    code = "same_client"


class CpfsDiffer(Conflict):
    """Two clients with two CPFs are two people."""

    code = "cpfs_differ"


class OpenCasesCollide(Conflict):
    """Both clients have an open case at one entity, and a client has one: close one of them first."""

    code = "open_cases_collide"


class ConflictDecided(Conflict):
    """Somebody decided about these clients before."""

    code = "conflict_decided"


class MergeUndone(Conflict):
    """The merge was undone before."""

    code = "merge_already_undone"


async def list_conflicts(database: Database, query: ConflictQuery) -> Page[ConflictOut]:
    """A page of conflicts, newest first. Raises BadCursor."""
    async with database.transaction() as session:
        rows = await queries.list_conflicts(session, query.status, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: ConflictOut(**row))


async def dismiss_conflict(database: Database, caller: Principal, conflict_id: UUID) -> ConflictOut:
    """They are several people: nobody is asked about this set again. Raises NotFound or ConflictDecided."""
    async with database.transaction() as session:
        dismissed = await queries.dismiss(session, conflict_id, caller.id)
        row = await queries.find_conflict(session, conflict_id)
        if row is None:
            raise NotFound("there is no such conflict")
        if not dismissed:
            raise ConflictDecided("this conflict was decided before")
        connection = await driver_connection(session)
        subject = f"conflict/{conflict_id}"
        await record(connection, actor=caller.id, action="client.conflict_dismissed", subject=subject)
    return ConflictOut(**row)


async def merge_clients(database: Database, caller: Principal, client_id: UUID, asked: MergeIn) -> MergeOut:
    """Make `asked.other` part of the client.

    Raises NotFound, SameClient, ClientMerged, CpfsDiffer or OpenCasesCollide.
    """
    if asked.other == client_id:
        raise SameClient("a client cannot be merged with itself", pointer="/other")
    async with database.transaction() as session:
        await queries.hold_talks(session, client_id, asked.other)
        winner, loser = await _active_pair(session, client_id, asked.other)
        if await queries.count_cpfs(session, winner["key"], loser["key"]) > 1:
            raise CpfsDiffer("these clients have two different CPFs")
        if await queries.has_two_open_cases(session, winner["key"], loser["key"]):
            raise OpenCasesCollide("both have an open case at one entity; close one of them first")
        rows = await queries.list_theirs(session, loser["key"], winner=winner["key"])
        merge = None if asked.dry_run else await _merge(session, caller, winner, loser, rows)
    return MergeOut(
        id=merge,
        client_id=client_id,
        other=asked.other,
        dry_run=asked.dry_run,
        moved=_moved(rows),
        undone_at=None,
    )


async def undo_merge(database: Database, caller: Principal, merge_id: UUID) -> MergeOut:
    """Two clients again, each with what was theirs. Raises NotFound, MergeUndone or ClientMerged."""
    async with database.transaction() as session:
        merge = await queries.lock_merge(session, merge_id)
        if merge is None:
            raise NotFound("there is no such merge")
        if merge["undone_at"] is not None:
            raise MergeUndone("this merge was undone before")
        pair = await queries.lock_clients(session, merge["winner"], merge["loser"])
        winner, loser = pair[merge["winner"]], pair[merge["loser"]]
        if winner["status"] != ClientStatus.ACTIVE or loser["merged_into_id"] != winner["key"]:
            raise ClientMerged("the client was merged into another one since")
        await queries.move(session, merge["moved"], winner["key"], loser["key"])
        if merge["moved"]["name_taken"] and winner["name"] == loser["name"]:
            await queries.rename(session, winner["key"], None)
        await _part_consents(session, caller, merge["moved"], winner["key"], loser["key"])
        undone = await queries.mark_undone(session, merge["key"], winner["key"], loser["key"], caller.id)
        told = {"client_id": winner["id"], "other": loser["id"], "merge_id": merge_id}
        await _note(await driver_connection(session), caller, "client.merge_undone", told)
    return MergeOut(
        id=merge_id,
        client_id=merge["winner"],
        other=merge["loser"],
        dry_run=False,
        moved=_moved(merge["moved"]),
        undone_at=undone,
    )


async def _merge(session: AsyncSession, caller: Principal, winner: Found, loser: Found, rows: Found) -> UUID:
    """Nothing of the loser's is lost: a name the winner lacks goes along, all else stays where it is."""
    name_taken = winner["name"] is None and loser["name"] is not None
    if name_taken:
        await queries.rename(session, winner["key"], loser["name"])
    await queries.move(session, rows, loser["key"], winner["key"])
    await queries.hand_over(session, winner["key"], loser["key"])
    connection = await driver_connection(session)
    marks = await consents.join(connection, winner["key"], loser["key"], actor=caller.id)
    moved = {**rows, "name_taken": name_taken, "consents": marks}
    merge = await queries.insert_merge(session, winner["key"], loser["key"], moved, caller.id)
    told = {"client_id": winner["id"], "other": loser["id"], "merge_id": merge}
    await emit(connection, EventType.CLIENT_MERGED, subject=winner["id"], data=told)
    await _note(connection, caller, "client.merged", told)
    return merge


async def _note(connection: Connection, caller: Principal, action: str, told: Mapping[str, UUID]) -> None:
    data = {name: str(value) for name, value in told.items()}
    await record(connection, actor=caller.id, action=action, subject=f"client/{told['client_id']}", data=data)


async def _part_consents(
    session: AsyncSession, caller: Principal, moved: Found, winner: int, loser: int
) -> None:
    """Merges from before there were consents have none to part."""
    connection = await driver_connection(session)
    marks = moved.get("consents", (0, 0))
    await consents.part(connection, winner, loser, marks, actor=caller.id)


async def _active_pair(session: AsyncSession, first: UUID, second: UUID) -> tuple[Found, Found]:
    pair = await queries.lock_clients(session, first, second)
    if len(pair) != len({first, second}):
        raise NotFound("there is no such client")
    if any(client["status"] != ClientStatus.ACTIVE for client in pair.values()):
        raise ClientMerged("one of these clients is part of another one already")
    return pair[first], pair[second]


def _moved(rows: Found) -> MovedOut:
    return MovedOut(**{name: len(rows.get(name, ())) for name in MovedOut.model_fields})
