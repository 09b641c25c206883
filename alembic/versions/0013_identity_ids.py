"""An identity has an id outside, to be detached or moved by."""

from alembic import op

revision = "0013"
down_revision: str | None = "0012"


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE crm.identities ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid()"
        " CONSTRAINT uq_identities_public_id UNIQUE"
    )


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE crm.identities DROP COLUMN public_id")
