"""What can go wrong, said in the domain's words. No HTTP framework here: `core.web.problems` translates."""

from http import HTTPStatus
from typing import ClassVar


class DomainError(Exception):
    """A refusal the caller can understand: a stable `code`, an HTTP `status`, a `detail` sentence.

    `detail` is shown to callers: it never carries personal data, the rejected input or SQL.
    `pointer` names the offending member of the request body (RFC 6901) when there is one, `retry_after` the
    seconds after which the same request may succeed.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    retry_after: int | None = None

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class NotFound(DomainError):
    """The thing does not exist, or is not the caller's to see; both read the same on purpose."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class Invalid(DomainError):
    """The request is well formed but cannot be accepted."""

    code = "invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Unauthenticated(DomainError):
    """Nobody we know is asking."""

    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(DomainError):
    """We know who is asking, and they may not."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class Unavailable(DomainError):
    """A dependency is down; the same request may succeed after `retry_after` seconds."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooManyRequests(DomainError):
    """Too often; the same request is welcome after `retry_after` seconds."""

    code = "too_many_requests"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class JobError(Exception):
    """A job cannot go on. `code` is stable and `detail` is a sentence for a person.

    `retryable` says whether trying again later may help; `retry_after` (seconds) is the least wait
    the outside world asked for.
    """

    def __init__(
        self, code: str, detail: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retryable = retryable
        self.retry_after = retry_after
