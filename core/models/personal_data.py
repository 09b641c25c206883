"""Where personal data lies: every column that may hold text is here, or is said to be harmless, by test.

Erasure, export and the record of processing walk this map (LGPD, art. 18 and 37); a column that is in neither
list would be forgotten by all of them.
"""

from enum import StrEnum


class DataClass(StrEnum):
    """What a column tells about a person."""

    NAME = "name"
    CONTACT = "contact"
    TAXPAYER = "taxpayer"
    MESSAGE = "message"
    NOTE = "note"
    REFERENCE = "reference"
    PAYROLL = "payroll"


PERSONAL: dict[tuple[str, str], DataClass] = {
    ("case_attachments", "content_sealed"): DataClass.MESSAGE,
    ("case_attachments", "name_sealed"): DataClass.NOTE,
    ("case_comments", "body_sealed"): DataClass.NOTE,
    ("case_events", "reason_sealed"): DataClass.NOTE,
    ("cases", "data"): DataClass.NOTE,
    ("conversation_messages", "body_sealed"): DataClass.MESSAGE,
    ("outbound_messages", "provider_message_id"): DataClass.REFERENCE,
    ("clients", "name"): DataClass.NAME,
    ("clients", "notes_sealed"): DataClass.NOTE,
    ("identities", "match_key"): DataClass.CONTACT,
    ("identities", "raw"): DataClass.CONTACT,
    ("identities", "raw_sealed"): DataClass.TAXPAYER,
    ("enrollments", "number"): DataClass.REFERENCE,
    ("enrollments", "position"): DataClass.PAYROLL,
    ("enrollments", "paying_organ"): DataClass.PAYROLL,
    ("enrollments", "paying_organ_name"): DataClass.PAYROLL,
    ("payroll_lines", "posting"): DataClass.PAYROLL,
    ("payroll_lines", "rubric"): DataClass.PAYROLL,
    ("payroll_lines", "status"): DataClass.PAYROLL,
    ("import_changes", "before"): DataClass.PAYROLL,  # an enrollment or a payroll line as it was
    ("import_files", "body_sealed"): DataClass.PAYROLL,
    ("import_rows", "digest"): DataClass.PAYROLL,
    ("import_rows", "raw_sealed"): DataClass.PAYROLL,
    ("ingest_events", "body_sealed"): DataClass.MESSAGE,
    ("ingest_events", "body_digest"): DataClass.MESSAGE,
    # A WhatsApp message id holds the phone number, a Message-ID may hold an address.
    ("ingest_events", "external_id"): DataClass.REFERENCE,
    ("message_statuses", "message_id"): DataClass.REFERENCE,
    ("channel_payloads", "body_sealed"): DataClass.MESSAGE,
    ("channel_payloads", "digest"): DataClass.MESSAGE,
    ("email_references", "digest"): DataClass.REFERENCE,
    ("email_participants", "digest"): DataClass.CONTACT,
    ("ticket_comments", "body_sealed"): DataClass.MESSAGE,
    ("ticket_history", "reason_sealed"): DataClass.NOTE,
    ("tickets", "description_sealed"): DataClass.MESSAGE,
    ("tickets", "subject_sealed"): DataClass.MESSAGE,
    ("consent_evidence", "body_sealed"): DataClass.MESSAGE,
    ("consent_evidence", "salt"): DataClass.MESSAGE,  # with it, what was noted could be guessed and checked
}
"""(table, column) of schema `crm` to what it tells. Generated columns follow their source."""

HARMLESS: frozenset[tuple[str, str]] = frozenset(
    {
        ("case_attachments", "media_type"),
        ("case_rules", "calendar"),
        ("cases", "entity"),  # a paying body or an agreement
        ("cases", "number"),
        ("conversations", "account"),
        ("outbound_messages", "account"),
        ("outbound_messages", "error_code"),
        ("outbound_messages", "idempotency_key"),
        ("turns", "error_code"),
        ("turns", "intent"),
        ("turns", "outcome"),
        ("channel_payloads", "account"),
        ("channels", "account"),
        ("channels", "config"),  # of our own mailbox, number or instance
        ("channels", "name"),
        ("channels", "namespace"),
        ("channels", "secrets_sealed"),  # ours, of no person
        ("client_merges", "moved"),  # ids of rows
        ("email_references", "account"),
        ("email_threads", "account"),
        ("enrollments", "entity"),
        ("import_batches", "entity"),
        ("import_batches", "error_code"),
        ("import_batches", "error_detail"),  # sentences of ours, which repeat nothing of the file
        ("import_batches", "file_entity"),
        ("import_batches", "mapping"),  # headings
        ("import_batches", "sha256"),  # of a whole file: tells no person
        ("import_batches", "totals"),
        ("import_rows", "code"),
        ("import_rows", "kept_code"),
        ("import_rows", "message"),
        ("ingest_events", "account"),
        ("ingest_events", "error_code"),
        ("message_statuses", "account"),
        ("message_statuses", "error_code"),
        ("ticket_history", "from_value"),  # states, priorities, ids of people who work here
        ("ticket_history", "to_value"),
        ("tickets", "channel"),
        ("tickets", "number"),
        ("consent_heads", "hash"),
        ("consents", "channel"),
        ("consents", "evidence_digest"),  # salted: nobody's once the salt is gone
        ("consents", "hash"),
        ("consents", "notice_sha256"),
        ("consents", "prev_hash"),
        ("consents", "purpose"),
        ("notice_deliveries", "channel"),
        ("notices", "body"),
        ("notices", "language"),
        ("notices", "purpose"),
        ("notices", "sha256"),
    }
)
"""Text of ours, or of an operator, that names no person."""
