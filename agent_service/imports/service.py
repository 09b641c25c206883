"""Take files in and say what shall become of them. The work itself is a worker's."""

import asyncio
import hashlib
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.imports import queries
from agent_service.imports.queries import Found, NewBatch
from agent_service.imports.schemas import (
    Counts,
    Failure,
    ImportOptions,
    ImportOut,
    ImportQuery,
    RowOut,
    RowQuery,
)
from core.access import Principal
from core.audit import record
from core.db import Database, driver_connection
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.imports import Mapping
from core.models import ImportLayout, ImportStatus, IngestionStatus
from core.vault import Vault
from core.web.pagination import Page, decode_cursor, page_of

S = ImportStatus
COMMITTED_FROM = frozenset({S.CHECKED})
REVERTED_FROM = frozenset({S.CHECKED, S.COMMITTED})


class EmptyImport(Invalid):
    """The file holds no bytes."""

    code = "empty_import"


class MappingWanted(Invalid):
    """The mapping is missing, is not one, or is given for a layout that needs none."""

    code = "mapping_invalid"


class ImportNotReady(Conflict):
    """The import is not where this can be done: a commit wants CHECKED, a revert COMMITTED or CHECKED."""

    code = "import_not_ready"


async def accept_import(
    database: Database, vault: Vault, caller: Principal, options: ImportOptions, content: bytes
) -> ImportOut:
    """Take a file in; the same bytes again are the import they were. Raises EmptyImport, MappingWanted."""
    if not content:
        raise EmptyImport("the file is empty", pointer="/file")
    mapping, public_id = _mapping(options), uuid7()
    status = S.CHECKING if options.dry_run else S.COMMITTING
    sealed = await asyncio.to_thread(vault.seal, content, context=f"import/{public_id}")
    batch = NewBatch(
        public_id,
        caller.id,
        options.layout.value,
        options.entity,
        hashlib.sha256(content).digest(),
        None if mapping is None else mapping.model_dump_json(),
        options.dry_run,
        status.value,
    )
    async with database.transaction() as session:
        same = await queries.insert_batch(session, batch, sealed)
        if same is None:
            connection = await driver_connection(session)
            await record(connection, actor=caller.id, action="import.received", subject=f"import/{public_id}")
    found = await get_import(database, same or public_id)
    return found.model_copy(update={"duplicate": same is not None})


async def get_import(database: Database, batch: UUID) -> ImportOut:
    """The import. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_batch(session, batch)
    if row is None:
        raise NotFound("there is no such import")
    return _shown(row)


async def list_imports(database: Database, query: ImportQuery) -> Page[ImportOut]:
    """A page of imports, newest first. Raises BadCursor."""
    async with database.transaction() as session:
        rows = await queries.list_batches(
            session, query.status, query.layout, before=query.before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, _shown)


async def list_rows(database: Database, batch: UUID, query: RowQuery) -> Page[RowOut]:
    """A page of rows in the order of the file. Raises NotFound or BadCursor."""
    after = 0 if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    async with database.transaction() as session:
        if await queries.find_batch(session, batch) is None:
            raise NotFound("there is no such import")
        rows = await queries.list_rows(
            session, batch, query.outcome, query.kept, after=after, limit=query.limit + 1
        )
    return page_of(rows, query.limit, lambda row: RowOut(**row), key=("position",))


async def commit_import(database: Database, caller: Principal, batch: UUID) -> ImportOut:
    """What was checked is done, or a commit that failed goes on. Raises NotFound or ImportNotReady."""
    async with database.transaction() as session:
        row = await _held(session, batch)
        is_cut_off = row["status"] == S.COMMITTING and row["job"] == IngestionStatus.FAILED
        if row["status"] not in COMMITTED_FROM and not is_cut_off:
            raise ImportNotReady("only an import that was checked can be committed")
        await queries.move(session, row["key"], batch, S.COMMITTING, caller.id, anew=not is_cut_off)
        connection = await driver_connection(session)
        await record(connection, actor=caller.id, action="import.committed", subject=f"import/{batch}")
    return await get_import(database, batch)


async def revert_import(database: Database, caller: Principal, batch: UUID) -> ImportOut:
    """What it did is taken back, all that was not changed since. Raises NotFound or ImportNotReady."""
    async with database.transaction() as session:
        row = await _held(session, batch)
        is_given_up = row["job"] == IngestionStatus.FAILED and row["status"] not in {S.REVERTED, S.REFUSED}
        if row["status"] not in REVERTED_FROM and not is_given_up:
            raise ImportNotReady("only an import that is through can be taken back")
        await queries.move(session, row["key"], batch, S.REVERTING, caller.id, anew=False)
        connection = await driver_connection(session)
        await record(connection, actor=caller.id, action="import.reverted", subject=f"import/{batch}")
    return await get_import(database, batch)


async def _held(session: AsyncSession, batch: UUID) -> Found:
    row = await queries.lock_batch(session, batch)
    if row is None:
        raise NotFound("there is no such import")
    return row


def _mapping(options: ImportOptions) -> Mapping | None:
    if (options.mapping is None) == (options.layout is ImportLayout.CSV):
        raise MappingWanted("`csv` wants a mapping, the other layouts take none", pointer="/mapping")
    if options.mapping is None:
        return None
    try:
        return Mapping.model_validate_json(options.mapping)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(part) for part in first["loc"])
        raise MappingWanted(
            f"the mapping is not one ({place or 'whole'}: {first['type']})", pointer="/mapping"
        ) from None


def _shown(row: Found) -> ImportOut:
    counts = Counts(total=row["rows"], **{name: row[name] for name in Counts.model_fields if name != "total"})
    failed = row["error_code"] is not None
    error = Failure(code=row["error_code"], detail=row["error_detail"] or "") if failed else None
    return ImportOut(
        **{name: row[name] for name in ImportOut.model_fields if name in row and name != "rows"},
        rows=counts,
        control_totals=row["totals"],
        error=error,
    )
