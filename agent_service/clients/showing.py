"""Rows of clients, opened for the screen. What cannot be opened still shows that it is there. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from agent_service.clients.masking import shown
from agent_service.clients.schemas import ClientOut, IdentityOut
from core.contacts.keys import Key, Known, raw_of
from core.matching import IdentityKind
from core.vault import Unreadable, Vault

UNREADABLE = "***"
Row = Mapping[str, Any]


def notes_context(client: UUID) -> str:
    """Where the sealed notes about a client belong."""
    return f"client/{client}/notes"


def client(vault: Vault, row: Row, identities: Iterable[Row]) -> ClientOut:
    """The client, whole."""
    return ClientOut(
        **row, notes=_notes(vault, row), identities=[_identity(vault, item) for item in identities]
    )


def _notes(vault: Vault, row: Row) -> str | None:
    if row["notes_sealed"] is None:
        return None
    try:
        return vault.open(row["notes_sealed"], context=notes_context(row["id"])).decode()
    except Unreadable:
        return UNREADABLE


def _identity(vault: Vault, row: Row) -> IdentityOut:
    kind = IdentityKind(row["kind"])
    known = Known(Key(kind, row["match_key"]), row["raw"], row["raw_sealed"])
    try:
        value = shown(kind, raw_of(vault, known))
    except Unreadable:
        value = UNREADABLE
    return IdentityOut(**{**row, "kind": kind, "value": value})
