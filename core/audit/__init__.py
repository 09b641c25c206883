"""Who did what, in an order nobody can change unseen; and who has read personal data."""

from core.audit.record import record, record_read

__all__ = ["record", "record_read"]
