"""`Idempotency-Key`: a POST that is sent again has one effect, and the same answer."""

from core.web.idempotency.answers import REPLAYED
from core.web.idempotency.keys import HEADER, PATTERN, IdempotencyKeyReused, presented
from core.web.idempotency.once import CommitsItself, Manner, RetryId, commits_itself, once

__all__ = [
    "HEADER",
    "PATTERN",
    "REPLAYED",
    "CommitsItself",
    "IdempotencyKeyReused",
    "Manner",
    "RetryId",
    "commits_itself",
    "once",
    "presented",
]
