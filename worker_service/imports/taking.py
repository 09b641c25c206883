"""A chunk of rows becomes clients, enrollments and payroll lines, or is only held against them.

A few statements do it for all rows; what each of them did is told row by row.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from core.contacts.bulk import Told, find_people, resolve_people
from core.contacts.keys import Key
from core.db import Connection
from core.models import ImportOutcome, ImportTarget
from worker_service.imports.layouts.rows import Rejected, Row
from worker_service.imports.queries import Change, NewRow
from worker_service.imports.records.placing import Put, Wanted, plan, put
from worker_service.imports.records.queries import ENROLLMENTS, PAYROLL_LINES
from worker_service.imports.walk import Placed

Post: TypeAlias = tuple[Key, str, str]
Line: TypeAlias = tuple[Post, date, str, int]
NOBODY = 0
"""The id of what is not there yet: no row has it."""


@dataclass(frozen=True, slots=True)
class Read:
    """A row that was read, and what it is found by."""

    placed: Placed
    row: Row
    key: Key

    @property
    def post(self) -> Post | None:
        """The enrollment it tells of."""
        told = self.row.enrollment
        return None if told is None else (self.key, told.entity, told.number)

    @property
    def line(self) -> Line | None:
        """The payroll line it is."""
        told = self.row.entry
        if told is None or self.post is None:
            return None
        return self.post, told.month, told.rubric, self.placed.sequence


@dataclass(slots=True)
class Chunk:
    """What the rows of a chunk were put into, or would be."""

    read: dict[int, Read]
    people: dict[Key, Put] = field(default_factory=dict)
    posts: dict[Post, Put] = field(default_factory=dict)
    lines: dict[Line, Put] = field(default_factory=dict)

    def puts(self, position: int) -> list[Put | None]:
        """The client, the enrollment and the payroll line of a row, as far as it has them."""
        read = self.read[position]
        post = None if read.post is None else self.posts[read.post]
        line = None if read.line is None else self.lines[read.line]
        return [self.people[read.key], post, line]


async def take(
    connection: Connection, placed: Sequence[Placed], *, write: bool
) -> tuple[list[NewRow], list[Change]]:
    """The rows as they are noted, and the changes in their order. Without `write` nothing is changed.

    In the caller's transaction.
    """
    chunk = Chunk({item.position: read for item in placed if (read := _read(item)) is not None})
    chunk.people = await (_resolve if write else _find)(connection, chunk)
    chunk.posts = await _records(connection, ENROLLMENTS, _posts(chunk), write=write)
    chunk.lines = await _records(connection, PAYROLL_LINES, _lines(chunk), write=write)
    rows = [_row(item, chunk) for item in placed]
    return rows, list(_changes(chunk)) if write else []


def _read(item: Placed) -> Read | None:
    if isinstance(item.outcome, Rejected) or item.cpf is None:
        return None
    return Read(item, item.outcome, item.cpf.key)


def _told(chunk: Chunk) -> tuple[dict[Key, Told], dict[Key, int]]:
    """Who is told of, and in which row first. The first name told counts."""
    told: dict[Key, Told] = {}
    first: dict[Key, int] = {}
    for position, read in chunk.read.items():
        known = read.placed.cpf
        assert known is not None, "only rows with a CPF are read"
        before = told.get(read.key)
        told[read.key] = Told(known, (before and before.name) or read.row.name)
        first.setdefault(read.key, position)
    return told, first


async def _resolve(connection: Connection, chunk: Chunk) -> dict[Key, Put]:
    told, first = _told(chunk)
    people = await resolve_people(connection, told)
    named = {row["id"]: row for row in people.named}

    def become(key: Key, client: int) -> Put:
        if client in people.made:
            return Put(first[key], client, ImportOutcome.CREATED)
        if (row := named.get(client)) is not None:
            before = json.dumps({"updated_at": row["updated_at"].isoformat()})
            return Put(first[key], client, ImportOutcome.UPDATED, before, row["version"])
        return Put(first[key], client, ImportOutcome.UNCHANGED)

    return {key: become(key, client) for key, client in people.clients.items()}


async def _find(connection: Connection, chunk: Chunk) -> dict[Key, Put]:
    told, first = _told(chunk)
    clients = await find_people(connection, told)
    return {
        key: Put(
            first[key],
            clients.get(key),
            ImportOutcome.UNCHANGED if key in clients else ImportOutcome.CREATED,
        )
        for key in told
    }


def _posts(chunk: Chunk) -> dict[Post, Wanted]:
    """What a later row does not tell, an earlier one may have."""
    wanted: dict[Post, Wanted] = {}
    for position, read in chunk.read.items():
        told = read.row.enrollment
        if (key := read.post) is None or told is None:
            continue
        client = chunk.people[read.key].id or NOBODY
        values: tuple[Any, ...] = (told.position, told.paying_organ, told.paying_organ_name)
        if (before := wanted.get(key)) is not None:
            values = tuple(new or old for new, old in zip(values, before.values, strict=True))
            position = before.position  # noqa: PLW2901 - the row that told of it first
        wanted[key] = Wanted(position, (client, told.entity, told.number), values)
    return wanted


def _lines(chunk: Chunk) -> dict[Line, Wanted]:
    wanted: dict[Line, Wanted] = {}
    for position, read in chunk.read.items():
        told = read.row.entry
        if (key := read.line) is None or told is None:
            continue
        post, month, rubric, sequence = key
        place = (chunk.posts[post].id or NOBODY, month, rubric, sequence)
        wanted[key] = Wanted(position, place, (told.posting, told.status, told.paid, told.total, told.amount))
    return wanted


async def _records(connection: Connection, table: Any, wanted: Mapping[Any, Wanted], *, write: bool) -> Any:
    if write:
        return await put(connection, table, wanted)
    return (await plan(connection, table, wanted)).outcomes()


def _row(item: Placed, chunk: Chunk) -> NewRow:
    outcome, common = item.outcome, (item.digest, item.sealed)
    if isinstance(outcome, Rejected):
        refusal = (ImportOutcome.REJECTED.value, outcome.code, outcome.message, "")
        return NewRow(item.position, outcome.line, *refusal, *common, None, None, None)
    puts = chunk.puts(item.position)
    ids = [None if each is None else each.id for each in puts]
    did = _outcome(item.position, [each for each in puts if each is not None]).value
    return NewRow(item.position, outcome.line, did, None, None, " ".join(outcome.notes), *common, *ids)


def _outcome(position: int, puts: Sequence[Put]) -> ImportOutcome:
    """A row is what its last part became; where that stood already, a change of another part counts."""
    did = [each.outcome if each.position == position else ImportOutcome.UNCHANGED for each in puts]
    if did[-1] is ImportOutcome.CREATED:
        return ImportOutcome.CREATED
    is_same = all(each is ImportOutcome.UNCHANGED for each in did)
    return ImportOutcome.UNCHANGED if is_same else ImportOutcome.UPDATED


def _changes(chunk: Chunk) -> Iterator[Change]:
    """In the order they were made: they are taken back the other way round."""
    for target, puts in (
        (ImportTarget.CLIENT, chunk.people),
        (ImportTarget.ENROLLMENT, chunk.posts),
        (ImportTarget.PAYROLL_LINE, chunk.lines),
    ):
        for each in puts.values():
            if each.id is not None and each.outcome is not ImportOutcome.UNCHANGED:
                is_name = target is ImportTarget.CLIENT and each.before is not None
                kind = ImportTarget.NAME if is_name else target
                yield Change(each.position, kind.value, each.id, each.before, each.version)
