"""Which documents were handed in before, and which job answers for them. Pure."""

from collections.abc import Collection, Sequence
from uuid import UUID

from asyncpg import Record

from core.web.idempotency import IdempotencyKeyReused
from ingestion_service.documents.submission import Submission


class Known:
    """Which job answers for a submission: those in the database, then those of the same batch.

    An idempotency key identifies a request alone. Without one, the same content of the same source does,
    while a job for it is unfinished and nothing else of that source came after it.
    """

    def __init__(self, rows: Sequence[Record]) -> None:
        self._by_key: dict[str | None, tuple[UUID, bytes]] = {
            row["idempotency_key"]: (row["public_id"], row["request_sha256"])
            for row in rows
            if row["idempotency_key"] is not None
        }
        self._by_content: dict[str, UUID] = {
            row["dedupe_key"]: row["public_id"] for row in rows if row["dedupe_key"]
        }
        self._last: dict[tuple[str, str], UUID] = {}
        self.replays = 0

    @property
    def holders(self) -> Collection[UUID]:
        """The jobs that are found by their content."""
        return self._by_content.values()

    def answer(self, item: Submission) -> UUID:
        """The public id of the item's job: its own when it is new. Raises IdempotencyKeyReused."""
        key = item.idempotency_key
        if key in self._by_key:
            return self._replay(*self._by_key[key], item)
        same = self._by_content.get(item.dedupe_key)
        if key is None and same is not None and self._last.get(item.place, same) == same:
            return same
        self._last[item.place] = item.public_id
        self._by_content.setdefault(item.dedupe_key, item.public_id)
        if key is not None:
            self._by_key[key] = (item.public_id, item.request_sha256)
        return item.public_id

    def _replay(self, job: UUID, request: bytes, item: Submission) -> UUID:
        if request != item.request_sha256:
            raise IdempotencyKeyReused("this idempotency key was used for another request")
        self.replays += 1
        return job
