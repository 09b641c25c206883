"""Consents of clients who are found to be one person, or two after all. A merge never widens what is allowed.

The rows of the ledger stay with the client they were made for. What follows from the merge is written down as
a row of its own, so that the latest row always decides.
"""

from collections.abc import Mapping, Sequence

from asyncpg import Record

from core.consents import queries
from core.consents.ledger import Decision, append, state
from core.consents.state import ConsentState, joined, parted
from core.db import Connection
from core.models import ConsentAction, ConsentCause

States = Mapping[str, ConsentState | None]


async def join(connection: Connection, winner: int, loser: int, *, actor: int | None) -> tuple[int, int]:
    """Carry the loser's decisions over to the winner; both clients are locked.

    Returns how long the winner's ledger was before and after: what `part` needs to take it back.
    """
    before = await queries.ledger_length(connection, winner)
    ours = _states(await queries.list_latest(connection, winner))
    theirs = _states(await queries.list_latest(connection, loser))
    for purpose in sorted(theirs):
        wanted = joined(ours.get(purpose), theirs[purpose])
        await _settle(connection, winner, ours.get(purpose), wanted, ConsentCause.CARRIED, actor)
    return before, await queries.ledger_length(connection, winner)


async def part(
    connection: Connection, winner: int, loser: int, marks: Sequence[int], *, actor: int | None
) -> None:
    """Each decides again for themselves, as before the merge; what was revoked since is revoked for both."""
    before, after = marks
    since = _states(await queries.list_latest(connection, winner, after=after))
    for client, until in ((winner, before), (loser, None)):
        own = _states(await queries.list_latest(connection, client, until=until))
        now = _states(await queries.list_latest(connection, client))
        for purpose in sorted({*own, *now, *since}):
            wanted = parted(own.get(purpose), since.get(purpose))
            is_news = wanted is not None and wanted is since.get(purpose)
            cause = ConsentCause.CARRIED if is_news else ConsentCause.RESTORED
            await _settle(connection, client, now.get(purpose), wanted, cause, actor)


async def _settle(
    connection: Connection,
    client: int,
    now: ConsentState | None,
    wanted: ConsentState | None,
    cause: ConsentCause,
    actor: int | None,
) -> None:
    """Make `wanted` the latest of the client, unless it is."""
    source = wanted or now
    if source is None or (now is not None and wanted is not None and now.says(wanted.action, wanted.notice)):
        return
    action = ConsentAction.REVOKE if wanted is None else wanted.action
    decision = Decision(action, source.notice, source.channel, source.event, actor, cause)
    await append(connection, client, source.purpose, decision)


def _states(rows: Sequence[Record]) -> dict[str, ConsentState | None]:
    return {row["purpose"]: state(row) for row in rows}
