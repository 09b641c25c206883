"""What the benchmark asks of every queue."""

from dataclasses import dataclass
from typing import Protocol

PAYLOAD_BYTES = 200


@dataclass(frozen=True)
class Drained:
    """One round: jobs done, seconds from the first handler to the last durable completion."""

    jobs: int
    seconds: float

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds


class Contender(Protocol):
    """A queue with its setting. `jobs` is what one round drains, chosen to last about a second."""

    name: str
    jobs: int

    def prepare(self) -> None:
        """Create what it needs, once."""
        ...

    def drain(self, jobs: int) -> Drained:
        """Fill, then drain."""
        ...
