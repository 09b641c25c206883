"""One effect for one key: the work and the record of its answer are committed together, or neither is."""

from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.params import Depends as DependsMark
from fastapi.responses import Response, StreamingResponse

from core.access import Principal
from core.errors import DomainError
from core.vault import Unreadable, Vault
from core.web.idempotency import queries
from core.web.idempotency.answers import Answer, may_be_kept
from core.web.idempotency.keys import Claim, IdempotencyInFlight, IdempotencyKeyReused, claim
from core.web.idempotency.leases import Lease
from core.web.idempotency.queries import Kept
from core.web.problems import problem
from core.web.runtime import runtime

Handle = Callable[[Request], Awaitable[Response]]


class CommitsItself:
    """A route whose work is not one transaction: it commits several times, or waits for the network."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        """Nothing to do: `StrictRoute` looks for the mark."""


def commits_itself(reason: str) -> Any:
    """For a route's `dependencies`: with a key it works under a lease, not in one transaction."""
    mark: DependsMark = Depends(CommitsItself(reason))
    return mark


async def _retry_id(request: Request) -> str | None:
    found: str | None = getattr(request.state, "retry_id", None)
    return found


RetryId = Annotated[str | None, Depends(_retry_id)]
"""The same for every try of a request that carries an `Idempotency-Key`; None without one."""


class _NotKept(Exception):
    """Takes the work back: its answer is one that the next try must not get."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True, slots=True)
class Manner:
    """How one route honours a key."""

    route: str
    has_body: bool
    commits_itself: bool


async def once(request: Request, handle: Handle, manner: Manner, key: str, principal: Principal) -> Response:
    """The answer to a request with a key: worked out now, or that of its first try.

    Raises IdempotencyKeyReused, IdempotencyInFlight or VaultClosed.
    """
    vault = runtime(request).vault
    ours = await claim(request, manner.route, key, principal, vault, has_body=manner.has_body)
    request.state.retry_id = ours.retry_id
    if manner.commits_itself:
        return await _under_a_lease(request, handle, ours, vault)
    try:
        return await _in_one_transaction(request, handle, ours, vault)
    except _NotKept as undone:
        return undone.response


async def _in_one_transaction(request: Request, handle: Handle, ours: Claim, vault: Vault) -> Response:
    async with runtime(request).database.one_transaction() as connection:
        kept = await queries.try_claim(connection, ours)
        if kept.request is not None or not kept.mine:
            return _repeated(kept, ours, vault)
        response = await _answered(request, handle)
        if not may_be_kept(response.status_code):
            raise _NotKept(response)
        if isinstance(response, StreamingResponse):
            raise TypeError("a route that streams is marked with commits_itself()")
        answer = Answer.of(response, bytes(response.body)).sealed(vault, ours.scope)
        if not await queries.keep(connection, ours, answer):
            raise IdempotencyInFlight
    return response


async def _under_a_lease(request: Request, handle: Handle, ours: Claim, vault: Vault) -> Response:
    lease = Lease(runtime(request).database, ours, lambda answer: answer.sealed(vault, ours.scope))
    if (kept := await lease.take()) is not None:
        return _repeated(kept, ours, vault)
    try:
        response = await _answered(request, handle)
    except Exception:
        await lease.give_up(None)
        raise
    if isinstance(response, StreamingResponse):
        response.body_iterator = lease.follow(response, cast("AsyncIterable[Any]", response.body_iterator))
    else:
        await lease.give_up(response, bytes(response.body))
    return response


async def _answered(request: Request, handle: Handle) -> Response:
    """A refusal is an answer, too. What does not follow the schema never came to be a request."""
    try:
        return await handle(request)
    except DomainError as error:
        if not may_be_kept(error.status):
            raise
        return problem(request, error)


def _repeated(kept: Kept, ours: Claim, vault: Vault) -> Response:
    """Raises IdempotencyKeyReused or IdempotencyInFlight."""
    if kept.request is not None and kept.request != ours.request:
        raise IdempotencyKeyReused("this key was used for another request")
    if kept.answer is None:
        raise IdempotencyInFlight(kept.wait)
    try:
        return Answer.opened(kept.answer, vault, ours.scope).replayed()
    except Unreadable:
        raise IdempotencyKeyReused("the answer to this key is sealed with a field key that is gone") from None
