"""What persons were told, what they decided, and the proof of both. Used by the desk and by the assistant."""

from core.consents.ledger import Decision, Evidence, current, decide, grant, revoke, standing
from core.consents.merging import join, part
from core.consents.notices import NoticeVersion, Shown, current_notice, last_shown, note_shown, publish
from core.consents.state import ConsentState
from core.consents.verification import Fault, FaultCode, Verification, verify
from core.consents.words import reads_as_no, reads_as_withdrawal, reads_as_yes

SERVICE_DESK = "LGPD_V1"
"""The purpose of answering people and keeping their tickets."""

__all__ = [
    "SERVICE_DESK",
    "ConsentState",
    "Decision",
    "Evidence",
    "Fault",
    "FaultCode",
    "NoticeVersion",
    "Shown",
    "Verification",
    "current",
    "current_notice",
    "decide",
    "grant",
    "join",
    "last_shown",
    "note_shown",
    "part",
    "publish",
    "reads_as_no",
    "reads_as_withdrawal",
    "reads_as_yes",
    "revoke",
    "standing",
    "verify",
]
