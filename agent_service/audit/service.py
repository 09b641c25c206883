"""Pages of the log, the verdict over it, and its head."""

from agent_service.audit import queries
from agent_service.audit.schemas import AuditQuery, BreakOut, EntryOut, HeadOut, VerdictOut
from core.audit.head import signed_head
from core.audit.verification import verify
from core.db import Database
from core.vault import Vault
from core.web.pagination import Page, decode_cursor, encode_cursor


async def list_entries(database: Database, query: AuditQuery) -> Page[EntryOut]:
    """A page of entries, newest first. Raises BadCursor."""
    before = None if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    wanted, limit = query.model_dump(exclude_none=True, exclude={"cursor", "limit"}), query.limit
    async with database.transaction() as session:
        rows = await queries.list_entries(session, wanted, before=before, limit=limit + 1)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page(items=[EntryOut(**row) for row in rows[:limit]], next_cursor=more)


async def verify_log(database: Database) -> VerdictOut:
    """Walk the whole chain."""
    verdict = await verify(database)
    found = verdict.first_break
    return VerdictOut(
        intact=found is None,
        checked=verdict.checked,
        unsealed=verdict.tail.entries,
        oldest_unsealed_seconds=verdict.tail.oldest_seconds,
        first_break=None if found is None else BreakOut.model_validate(found, from_attributes=True),
    )


async def get_head(database: Database, vault: Vault) -> HeadOut:
    """Seal what waits, and sign the end."""
    return HeadOut.model_validate(await signed_head(database, vault), from_attributes=True)
