"""Open a case, at most one for a client and an entity at a time."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from core.cases import queries
from core.cases.noting import told
from core.cases.rules import get_rules
from core.cases.standing import By, Held, Note, Standing
from core.db import Connection
from core.models import CaseChange, CasePriority, CaseStatus

LEVELS = {priority: level for level, priority in enumerate(CasePriority)}


class OpenedCase(NamedTuple):
    """A case: `key` inside, `id` outside, and the `number` people call it by."""

    key: int
    id: UUID
    number: str
    is_new: bool


async def open_case(
    connection: Connection,
    *,
    client: int,
    entity: str,
    by: By,
    priority: CasePriority = CasePriority.NORMAL,
    data: Mapping[str, Any] | None = None,
) -> OpenedCase:
    """A new case that is nobody's, or the client's open one at this entity, as it is.

    A client who was merged away stands for the one who has what was theirs.
    """
    holder = await queries.hold_client(connection, client)
    rules = await get_rules(connection)
    waited = LEVELS[priority] * rules.aging
    packed = json.dumps(dict(data or {}))
    while True:
        row = await queries.insert_case(
            connection, holder["id"], entity, priority.value, packed, by.id, waited
        )
        if row is not None:
            await _tell(connection, row["key"], row["id"], holder["public_id"], row["opened_at"], by)
            return OpenedCase(row["key"], row["id"], row["number"], is_new=True)
        found = await queries.find_open(connection, holder["id"], entity)
        if found is not None:  # it may have been closed in between
            return OpenedCase(**found, is_new=False)


async def _tell(connection: Connection, key: int, case: UUID, client: UUID, at: Any, by: By) -> None:
    standing = Standing(CaseStatus.DISPONIVEL, None, 0, None)
    born = Held(key, case, client, 0, at, standing)
    await told(connection, born, standing, Note(CaseChange.OPENED, by), start=None)
