"""What the rules of cases refuse."""

from collections.abc import Iterable

from core.errors import Conflict
from core.models import CaseStatus


class CaseAlreadyAssigned(Conflict):
    """Somebody has the case: of several who take one at once, one gets it."""

    code = "case_already_assigned"


class CaseNotAssigned(Conflict):
    """Nobody has the case, or you don't: take it first."""

    code = "case_not_assigned"


class StaleToken(Conflict):
    """The lease this token stands for is over: read the case again, then decide again."""

    code = "stale_token"


class TransitionNotAllowed(Conflict):
    """The case cannot go there from where it stands, not by you; `detail` lists where it can."""

    code = "transition_not_allowed"

    def __init__(self, status: CaseStatus, allowed: Iterable[CaseStatus]) -> None:
        ways = ", ".join(allowed) or "nowhere"
        super().__init__(f"from {status} you may take it to: {ways}", pointer="/to")


class TooManyCases(Conflict):
    """This agent has as many cases as one may have at once."""

    code = "too_many_cases"


class RetakeTooSoon(Conflict):
    """Who let a case expire waits before taking it again, so that others can."""

    code = "retake_too_soon"


class OpenCaseExists(Conflict):
    """The client has an open case at this entity."""

    code = "open_case_exists"
