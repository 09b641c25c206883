"""A file in chunks, each row with its place and everything that only the processor has to do for it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from core.contacts.keys import Known, known
from core.contacts.message import Identifier
from core.matching import IdentityKind
from core.vault import Vault
from worker_service.imports.layouts.rows import Outcome, Reading, Row


class Placed(NamedTuple):
    """The `position`-th row of a file, sealed. `sequence` tells lines of one rubric apart, from 1."""

    position: int
    outcome: Outcome
    sequence: int
    digest: bytes
    sealed: bytes
    cpf: Known | None


def row_context(batch: UUID, position: int) -> str:
    """Where a sealed row belongs."""
    return f"import/{batch}/{position}"


class Walk:
    """A walk through a file, chunk by chunk, which goes on where an earlier one was cut off."""

    def __init__(self, reading: Reading, batch: UUID, vault: Vault, *, done: int) -> None:
        self._outcomes = enumerate(reading.outcomes(), 1)
        self._batch = batch
        self._vault = vault
        self._done = done
        self._seen: Counter[int] = Counter()

    async def chunk(self, rows: int) -> list[Placed]:
        """The next rows; none at the end. Reading and sealing leave the event loop free."""
        return await asyncio.to_thread(lambda: list(islice(self._placed(), rows)))

    def _placed(self) -> Iterator[Placed]:
        for position, outcome in self._outcomes:
            sequence = self._sequence(outcome)
            if position > self._done:
                yield self._place(position, outcome, sequence)

    def _sequence(self, outcome: Outcome) -> int:
        """Two loans with one rubric are two loans. Hashes, because there may be a million of them."""
        if not isinstance(outcome, Row) or outcome.entry is None or outcome.enrollment is None:
            return 1
        post, entry = outcome.enrollment, outcome.entry
        key = hash((outcome.cpf, post.entity, post.number, entry.month, entry.rubric))
        self._seen[key] += 1
        return self._seen[key]

    def _place(self, position: int, outcome: Outcome, sequence: int) -> Placed:
        raw = outcome.raw.encode()
        sealed = self._vault.seal(raw, context=row_context(self._batch, position))
        cpf = None
        if isinstance(outcome, Row):
            cpf = known(self._vault, Identifier(IdentityKind.CPF, outcome.cpf, outcome.cpf))
        return Placed(position, outcome, sequence, self._vault.digest("import_row", raw), sealed, cpf)
