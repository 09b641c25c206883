"""Cases, for every door that opens or changes one: the API, imports, and the clock."""

from core.cases.leasing import assign, assign_next, extend, release, transfer
from core.cases.maintenance import Maintained, check_expiry, maintain
from core.cases.moving import destinations, transition
from core.cases.opening import OpenedCase, open_case
from core.cases.standing import By, Held, acting

__all__ = [
    "By",
    "Held",
    "Maintained",
    "OpenedCase",
    "acting",
    "assign",
    "assign_next",
    "check_expiry",
    "destinations",
    "extend",
    "maintain",
    "open_case",
    "release",
    "transfer",
    "transition",
]
