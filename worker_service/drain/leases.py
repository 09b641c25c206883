"""Which leases this process holds, how many of their jobs are unsettled, and when each was last renewed."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock


@dataclass(slots=True)
class _Held:
    unsettled: int
    renewed_at: float


class LeaseBook:
    """Shared by the event loop and the heartbeat's thread. Times are `time.monotonic()` seconds."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._lock = Lock()

    def take(self, lease: int, jobs: int, *, at: float) -> None:
        """A batch of `jobs` was claimed; `at` is from before the claim was sent."""
        with self._lock:
            self._held[lease] = _Held(jobs, at)

    def settle(self, lease: int, jobs: int = 1) -> bool:
        """`jobs` need no more writing; True when the lease is done with and forgotten."""
        with self._lock:
            held = self._held.get(lease)
            if held is None:
                return False
            held.unsettled -= jobs
            if held.unsettled > 0:
                return False
            del self._held[lease]
            return True

    def unsettled(self, lease: int) -> int:
        """Jobs of the lease that are not settled yet."""
        with self._lock:
            held = self._held.get(lease)
            return held.unsettled if held else 0

    def live(self) -> list[int]:
        """The leases worth renewing: those with work in this process."""
        with self._lock:
            return list(self._held)

    def renewed(self, leases: Iterable[int], *, at: float) -> None:
        """The database extended these; `at` is from before it was asked."""
        with self._lock:
            for lease in leases:
                if lease in self._held:
                    self._held[lease].renewed_at = at

    def forget(self, leases: Iterable[int]) -> None:
        """Stop renewing: these are lost, or left to expire."""
        with self._lock:
            for lease in leases:
                self._held.pop(lease, None)

    def stale(self, *, before: float) -> set[int]:
        """Leases not renewed since `before`: they may soon be somebody else's."""
        with self._lock:
            return {lease for lease, held in self._held.items() if held.renewed_at < before}
