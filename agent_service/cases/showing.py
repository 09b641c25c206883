"""Rows of cases, opened for the screen. A text whose key is gone still shows that it is there. Pure."""

from collections.abc import Mapping
from typing import Any

from agent_service.cases.schemas import CaseDetail, EventOut
from core.access import Principal
from core.cases import acting, destinations
from core.cases.sealing import reason_context
from core.models import CaseStatus
from core.vault import Unreadable, Vault

UNREADABLE = "***"
Row = Mapping[str, Any]


def detail(row: Row, caller: Principal) -> CaseDetail:
    """A case, whole, and where this caller may take it."""
    return CaseDetail(**row, allowed=destinations(CaseStatus(row["status"]), acting(caller)))


def event(vault: Vault, row: Row) -> EventOut:
    """An event."""
    sealed = row["reason_sealed"]
    return EventOut(
        **row, reason=None if sealed is None else opened(vault, sealed, reason_context(row["id"]))
    )


def opened(vault: Vault, sealed: bytes, context: str) -> str:
    """A sealed text."""
    try:
        return vault.open(sealed, context=context).decode()
    except Unreadable:
        return UNREADABLE
