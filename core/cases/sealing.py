"""Where each sealed text of a case belongs: it opens nowhere else."""

from uuid import UUID


def reason_context(event: UUID) -> str:
    """Of the reason of an event."""
    return f"case-event/{event}"


def comment_context(comment: UUID) -> str:
    """Of a comment."""
    return f"case-comment/{comment}"


def name_context(attachment: UUID) -> str:
    """Of the name of a file."""
    return f"case-attachment/{attachment}/name"


def content_context(attachment: UUID) -> str:
    """Of a file."""
    return f"case-attachment/{attachment}/content"
