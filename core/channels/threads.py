"""Which mails belong together: by the address they answer to and the mails they mention, never by subject.

A subject's tag counts only for somebody who wrote in that thread before: anyone may quote a number.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.channels.channel import Channel, Secret, secret_of
from core.db import Connection
from core.vault import Vault

MAC_DIGITS = 20  # 80 bits
MOST_DIGITS = 18
_SIGNED = re.compile(r"\+t(?P<thread>[0-9]{1,18})\.(?P<mac>[0-9a-f]{20})$")
_TAG = re.compile(r"\[#(?P<thread>[0-9]{1,18})\]")
_FORWARD = re.compile(r"\s*(?:fwd?|enc|wg|rv|tr)\s*:", re.IGNORECASE)

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('email threads of ' || $1, 0))"
KNOWN = "SELECT id FROM crm.email_threads WHERE account = $1 AND id = $2"
MENTIONED = """
SELECT r.thread_id FROM unnest($2::bytea[]) WITH ORDINALITY AS given (digest, position)
JOIN crm.email_references r ON r.account = $1 AND r.digest = given.digest
ORDER BY position LIMIT 1
"""
TAKES_PART = """
SELECT t.id FROM crm.email_threads t JOIN crm.email_participants p ON p.thread_id = t.id
WHERE t.account = $1 AND t.id = $2 AND p.digest = $3
"""
NEW = "INSERT INTO crm.email_threads (account) VALUES ($1) RETURNING id"
REFER = """
INSERT INTO crm.email_references (account, digest, thread_id)
SELECT DISTINCT $1, digest, $3::bigint FROM unnest($2::bytea[]) AS given (digest)
ON CONFLICT (account, digest) DO NOTHING
"""
JOIN = "INSERT INTO crm.email_participants (thread_id, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail tells about where it belongs. `mentioned` are Message-IDs, the nearest first."""

    message_id: str | None
    mentioned: Sequence[str]
    recipients: Sequence[str]
    sender: str
    subject: str


def reply_address(channel: Channel, thread: int) -> str | None:
    """The address an answer of ours is sent from, so that the reply to it finds its thread."""
    local, at, domain = (channel.config.mailbox or "").rpartition("@")
    return f"{local}+t{thread}.{_mac(channel, thread)}@{domain}" if at else None


def subject_tag(thread: int) -> str:
    """What stands in the subject of our answers."""
    return f"[#{thread}]"


def signed_thread(channel: Channel, recipients: Sequence[str]) -> int | None:
    """The thread of the first recipient that is an address we signed."""
    for address in recipients:
        found = _SIGNED.search(address.rpartition("@")[0])
        if found and hmac.compare_digest(_mac(channel, int(found["thread"])), found["mac"]):
            return int(found["thread"])
    return None


def tagged_thread(subject: str) -> int | None:
    """The thread a subject names; a forwarded mail is a new matter."""
    found = None if _FORWARD.match(subject) else _TAG.search(subject)
    return int(found["thread"]) if found else None


async def find_or_make_thread(connection: Connection, vault: Vault, channel: Channel, clues: Clues) -> int:
    """The thread of a mail, which from now on knows all it mentions; one mail of an account at a time."""
    account, sender = channel.account, vault.digest("email participant", clues.sender.encode())
    ids = [*clues.mentioned, *([clues.message_id] if clues.message_id else [])]
    digests = [_digest(vault, message) for message in ids]
    await connection.execute(LOCK, account)
    thread = await _find(connection, channel, clues, digests, sender)
    if thread is None:
        thread = await connection.fetchval(NEW, account)
    assert thread is not None, "RETURNING returns"
    await connection.execute(REFER, account, digests, thread)
    await connection.execute(JOIN, thread, sender)
    return thread


async def note_sent(connection: Connection, vault: Vault, account: str, thread: int, message_id: str) -> None:
    """A mail of ours went out in this thread: what answers it belongs here, too."""
    await connection.execute(REFER, account, [_digest(vault, message_id)], thread)


async def _find(
    connection: Connection, channel: Channel, clues: Clues, digests: Sequence[bytes], sender: bytes
) -> int | None:
    """The surest clue decides."""
    account, found = channel.account, None
    if (signed := signed_thread(channel, clues.recipients)) is not None:
        found = await connection.fetchval(KNOWN, account, signed)
    if found is None and digests:
        found = await connection.fetchval(MENTIONED, account, digests)
    if found is None and (tagged := tagged_thread(clues.subject)) is not None:
        found = await connection.fetchval(TAKES_PART, account, tagged, sender)
    thread: int | None = found
    return thread


def _mac(channel: Channel, thread: int) -> str:
    key, said = secret_of(channel, Secret.REPLY_SECRET).encode(), f"{channel.account}/{thread}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:MAC_DIGITS]


def _digest(vault: Vault, message_id: str) -> bytes:
    return vault.digest("message-id", message_id.strip("<> ").encode(errors="replace"))
