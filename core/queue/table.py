"""Which tables a queue lives in; the engine's SQL is rendered for them once."""

from dataclasses import dataclass, field

from core.queue import statements


@dataclass(frozen=True)
class QueueTable:
    """The tables of one queue, all names constants of the code.

    `hot` has the columns of `ai.ingestion_queue`, `lease` of `ai.ingestion_lease`, `attempts` of
    `ai.ingestion_attempts`; `cold` has at least `id` and `kind`. `status` is the type of `hot.status`.
    """

    name: str
    hot: str
    cold: str
    lease: str
    attempts: str
    status: str
    _rendered: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def sql(self, template: str) -> str:
        """A statement of `core.queue.statements` with this queue's names."""
        try:
            return self._rendered[template]
        except KeyError:
            return self._rendered.setdefault(template, template.format(**self._names()))

    def _names(self) -> dict[str, str]:
        return {name: str(getattr(self, name)) for name in ("hot", "cold", "lease", "attempts", "status")}


INGESTION = QueueTable(
    name="ingestion",
    hot="ai.ingestion_queue",
    cold="ai.ingestion_payload",
    lease="ai.ingestion_lease",
    attempts="ai.ingestion_attempts",
    status="ai.ingestion_status",
)

__all__ = ["INGESTION", "QueueTable", "statements"]
