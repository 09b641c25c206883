"""WhatsApp's two names of a person: the phone in many dresses, and since 2026 a business-scoped user id."""

import re

from core.matching.phone import e164_key
from core.matching.unmatchable import Unmatchable

_USER = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_PHONE = re.compile(
    r"(?:whatsapp:)?\+?(?P<digits>[0-9]{8,15})(?::[0-9]{1,3})?(?:@(?:s\.whatsapp\.net|c\.us))?"
)


def user_key(value: str) -> str:
    """A business-scoped user id (`BR.` and more), which is opaque: capitals matter. Raises Unmatchable."""
    if not _USER.fullmatch(value):
        raise Unmatchable("this is not a business-scoped user id of WhatsApp")
    return value


def wa_id_key(value: str) -> str:
    """The phone in a WhatsApp id: always E.164, `+` and `@s.whatsapp.net` or not. Raises Unmatchable."""
    found = _PHONE.fullmatch(value)
    if found is None:
        raise Unmatchable("this is not a WhatsApp id")
    return e164_key(found["digits"])
