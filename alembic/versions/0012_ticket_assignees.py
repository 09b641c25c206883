"""A ticket's assignee is a person."""

from alembic import op

revision = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE crm.tickets ADD CONSTRAINT fk_tickets_assignee_id"
        " FOREIGN KEY (assignee_id) REFERENCES ops.people (id)"
    )


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE crm.tickets DROP CONSTRAINT fk_tickets_assignee_id")
