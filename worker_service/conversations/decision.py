"""What a message leads to, given where the client stands. Pure: nothing is read or written here.

Before a client has consented, only words of consent are read in what they write.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.assistant.intent import Intent


class Step(StrEnum):
    """What a turn does; stored as its outcome."""

    SILENT = "silent"
    STEP_ASIDE = "step_aside"
    NOTICE = "notice"
    REMIND = "remind"
    GRANT = "grant"
    REFUSE = "refuse"
    REVOKE = "revoke"
    NOTHING_TO_REVOKE = "nothing_to_revoke"
    GREET = "greet"
    THANK = "thank"
    LISTEN = "listen"
    DECLINED = "declined"
    LOOK_UP = "look_up"
    ANSWER = "answer"
    NOT_FOUND = "not_found"
    TICKET = "ticket"
    COMMENT = "comment"


HOLDING = frozenset({Step.NOTICE, Step.REMIND})
"""What was said instead of an answer: the message waits for a consent."""


class Words(StrEnum):
    """What a message says about consent, and nothing else of it."""

    YES = "yes"
    NO = "no"
    WITHDRAWAL = "withdrawal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a turn depends on. Looked up before the turn and again in the transaction that ends it.

    `by_us`: no client wrote it, but one of us on the channel's own telephone.
    `may_speak`: the channel has its assistant on, no person answers, the message is no machine's.
    `was_shown`: the client had been shown the notice when they wrote this; `is_fresh`: it was shown lately.
    `offered`: the last answer offered to open a ticket.
    """

    by_us: bool
    may_speak: bool
    consented: bool
    was_shown: bool
    is_fresh: bool
    offered: bool


def decide(standing: Standing, words: Words) -> Step | None:
    """What to do by consent alone; None when the client has consented and wants something else."""
    if not standing.may_speak:
        return Step.STEP_ASIDE if standing.by_us else Step.SILENT
    if standing.consented:
        return _with_consent(standing, words)
    if words is Words.WITHDRAWAL:
        return Step.NOTHING_TO_REVOKE
    if standing.was_shown and words is Words.YES:
        return Step.GRANT
    if standing.was_shown and words is Words.NO:
        return Step.REFUSE
    return Step.REMIND if standing.is_fresh else Step.NOTICE


def _with_consent(standing: Standing, words: Words) -> Step | None:
    match words:
        case Words.WITHDRAWAL:
            return Step.REVOKE
        case Words.YES:
            return Step.TICKET if standing.offered else Step.LISTEN
        case Words.NO:
            return Step.DECLINED
        case _:
            return None


def wanted(intent: Intent) -> Step:
    """What an intent leads to, once there is consent."""
    return {
        Intent.GREETING: Step.GREET,
        Intent.THANKS: Step.THANK,
        Intent.QUESTION: Step.LOOK_UP,
        Intent.SUPPORT: Step.TICKET,
    }[intent]
