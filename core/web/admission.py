"""Whether a call comes too often: counted for its principal, its channel, or its address."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from core.access import Permission
from core.web.auth import Demand, Requires
from core.web.problems import problem
from core.web.rates import RateLimited, Tally, neighbourhood
from core.web.runtime import runtime

SUBMISSIONS = frozenset({Permission.DOCUMENTS_SUBMIT, Permission.MESSAGES_SUBMIT})


def count(request: Request, route: str, demands: Sequence[Demand]) -> Tally:
    """Count the call of a route whose demands are met."""
    rates, settings = runtime(request).rates, runtime(request).settings
    callers = [demand for demand in demands if isinstance(demand, Requires)]
    if callers:
        submits = any(demand.permission in SUBMISSIONS for demand in callers)
        allowed = settings.rate_limit_submit if submits else settings.rate_limit
        return rates.count(str(request.state.principal.id), route, allowed)
    if demands:  # a signed delivery: all of a provider's come from a few addresses
        return rates.count(request.url.path, route, settings.rate_limit_submit)
    address = neighbourhood(request.client.host if request.client else "")
    return rates.count(address, route, settings.rate_limit_address)


def refusal(request: Request, tally: Tally) -> Response:
    """The answer to a call too many."""
    error = RateLimited("too many calls of this route in this minute", retry_after=tally.reset)
    return problem(request, error, headers=tally.headers)
