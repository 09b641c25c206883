"""What proves a decision besides a message: a note, sealed, whose salted digest the ledger keeps."""

import os

from asyncpg import Record

from agent_service.consents.schemas import EvidenceOut
from core.consents import Evidence
from core.consents.chain import evidence_digest
from core.vault import Unreadable, Vault

SALT_BYTES = 16


def noted(vault: Vault, text: str) -> Evidence:
    """A note as the ledger takes it. It opens only beside the digest it was made for."""
    salt, plain = os.urandom(SALT_BYTES), text.encode()
    return Evidence(plain, salt, vault.seal(plain, context=_context(evidence_digest(salt, plain))))


def read(vault: Vault, row: Record | None) -> EvidenceOut | None:
    """A note as it was written; None when there is none, or it cannot be read any more."""
    if row is None:
        return None
    try:
        plain = vault.open(row["body_sealed"], context=_context(row["evidence_digest"]))
    except Unreadable:
        return None
    return EvidenceOut(text=plain.decode(), salt=row["salt"].hex())


def _context(digest: bytes) -> str:
    return f"consent-evidence/{digest.hex()}"
