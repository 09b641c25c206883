"""Put values where they belong: rows that differ are changed, those that are not there are made."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from asyncpg import Record

from core.db import Connection
from core.models import ImportOutcome
from worker_service.imports.records import queries
from worker_service.imports.records.queries import Statements

K = TypeVar("K", bound=Hashable)
Values: TypeAlias = tuple[Any, ...]


class Wanted(NamedTuple):
    """What should be at a place, and the position of the file's row that says so."""

    position: int
    place: Values
    values: Values


class Put(NamedTuple):
    """What became of a place. `before` is the row as it was; `id` is None where nothing was written."""

    position: int
    id: int | None
    outcome: ImportOutcome
    before: str | None = None
    version: int = 1


@dataclass(slots=True)
class Plan(Generic[K]):
    """What would be made, changed and left alone."""

    made: dict[K, Wanted] = field(default_factory=dict)
    changed: dict[K, tuple[Wanted, Record, Values]] = field(default_factory=dict)
    same: dict[K, tuple[Wanted, Record]] = field(default_factory=dict)

    def outcomes(self) -> dict[K, Put]:
        """What would become of each."""
        created = {key: Put(want.position, None, ImportOutcome.CREATED) for key, want in self.made.items()}
        updated = {
            key: Put(want.position, row["id"], ImportOutcome.UPDATED, row["before"], row["version"] + 1)
            for key, (want, row, _) in self.changed.items()
        }
        unchanged = {
            key: Put(want.position, row["id"], ImportOutcome.UNCHANGED)
            for key, (want, row) in self.same.items()
        }
        return created | updated | unchanged


async def plan(connection: Connection, table: Statements, wanted: Mapping[K, Wanted]) -> Plan[K]:
    """Hold what is wanted against what is there. What is not told (None) leaves what is there."""
    rows = await queries.find(connection, table, [want.place for want in wanted.values()])
    there = {row["place"]: row for row in rows}
    found: Plan[K] = Plan()
    for place, (key, want) in enumerate(wanted.items(), 1):
        if (row := there.get(place)) is None:
            found.made[key] = want
            continue
        held = tuple(row.values())[-len(want.values) :]
        new = tuple(old if value is None else value for value, old in zip(want.values, held, strict=True))
        if new == held:
            found.same[key] = (want, row)
        else:
            found.changed[key] = (want, row, new)
    return found


async def put(connection: Connection, table: Statements, wanted: Mapping[K, Wanted]) -> dict[K, Put]:
    """Make it so."""
    found = await plan(connection, table, wanted)
    made = await queries.insert(
        connection, table, [(*want.place, *want.values) for want in found.made.values()]
    )
    await queries.update(connection, table, [(row["id"], *new) for _, row, new in found.changed.values()])
    outcomes = found.outcomes()
    for key, identifier in zip(found.made, made, strict=True):
        outcomes[key] = outcomes[key]._replace(id=identifier)
    return outcomes
