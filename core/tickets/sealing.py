"""Where each sealed text of a ticket belongs: it opens nowhere else."""

from uuid import UUID


def subject_context(ticket: UUID) -> str:
    """Of a ticket's subject."""
    return f"ticket/{ticket}/subject"


def description_context(ticket: UUID) -> str:
    """Of a ticket's description."""
    return f"ticket/{ticket}/description"


def comment_context(comment: UUID) -> str:
    """Of a comment."""
    return f"ticket-comment/{comment}"


def reason_context(change: UUID) -> str:
    """Of the reason in a row of the history."""
    return f"ticket-history/{change}"
