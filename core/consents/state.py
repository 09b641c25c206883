"""What a client's latest decision means, and what two clients' mean together when they are one. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.models import ConsentAction, ConsentCause


@dataclass(frozen=True, slots=True)
class ConsentState:
    """The latest decision of a client about a purpose, and the notice it answers to.

    `notice` and `row` are the internal ids of the notice and of the ledger's row.
    """

    row: int
    purpose: str
    action: ConsentAction
    notice: int
    channel: str
    event: int | None
    at: datetime
    outdated: bool
    """A later notice asks everybody again: the purpose is another one by now."""

    @property
    def holds(self) -> bool:
        """Whether personal data may be processed for the purpose."""
        return self.action is ConsentAction.GRANT and not self.outdated

    def says(self, action: ConsentAction, notice: int) -> bool:
        """Whether deciding this would be no news. To agree to another version of the notice is."""
        return self.action is action and (action is ConsentAction.REVOKE or self.notice == notice)


def decided(action: ConsentAction, cause: ConsentCause) -> bool:
    """Whether a row tells of a decision; else it takes back what a merge had carried over."""
    return not (action is ConsentAction.REVOKE and cause is ConsentCause.RESTORED)


def joined(winner: ConsentState | None, loser: ConsentState | None) -> ConsentState | None:
    """What holds for two clients found to be one: a REVOKE on either side, until they are asked again."""
    if winner is None or loser is None:
        return winner or loser
    return loser if loser.action is ConsentAction.REVOKE else winner


def parted(before: ConsentState | None, since: ConsentState | None) -> ConsentState | None:
    """What holds for one of two again: what they had decided `before`, or a REVOKE made `since`.

    Nobody knows whose that decision was, hence a GRANT counts for neither of the two and a REVOKE for both.
    """
    return since if since is not None and since.action is ConsentAction.REVOKE else before
