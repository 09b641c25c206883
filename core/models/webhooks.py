"""Who outside is told what happened, and how each telling went."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt


class WebhookStatus(StrEnum):
    """PAUSED by people, DISABLED by us because the receiver is gone or failed for days."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DeliveryStatus(StrEnum):
    """PENDING waits for its time, DELIVERING is in somebody's hands, the others are over."""

    PENDING = "PENDING"
    DELIVERING = "DELIVERING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


webhook_status = Enum(WebhookStatus, name="webhook_status", schema="ops", native_enum=True, create_type=False)
delivery_status = Enum(
    DeliveryStatus, name="delivery_status", schema="ops", native_enum=True, create_type=False
)


class WebhookSubscription(Base):
    """An address that is told of some types of events; of all when `types` is empty.

    A deleted one stays as the record of who was told what.
    """

    __tablename__ = "webhook_subscriptions"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    url: Mapped[str]
    description: Mapped[str | None]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[WebhookStatus] = mapped_column(webhook_status, server_default="ACTIVE")
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    principal_id: Mapped[int]
    created_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(status = 'DISABLED') = (disabled_reason IS NOT NULL)", name="disabled_has_reason"),
        CheckConstraint("(status = 'DISABLED') = (disabled_at IS NOT NULL)", name="disabled_has_time"),
        CheckConstraint("deleted_at IS NULL OR status <> 'ACTIVE'", name="deleted_is_silent"),
        {"schema": "ops"},
    )


class WebhookSecret(Base):
    """A signing key, sealed. While keys are rotated the old one signs, too, until `expires_at`."""

    __tablename__ = "webhook_secrets"

    id: Mapped[BigId]
    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("ops.webhook_subscriptions.id", ondelete="CASCADE"), index=True
    )
    sealed: Mapped[bytes] = mapped_column(BYTEA)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]

    __table_args__ = ({"schema": "ops"},)


class WebhookDelivery(Base):
    """One event for one subscription. `due_at` is when it may be taken: also when the hands holding it died.

    `lease` grows with each taking; whoever writes names theirs. `attempt` counts since the last replay.
    """

    __tablename__ = "webhook_deliveries"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("ops.webhook_subscriptions.id", ondelete="CASCADE")
    )
    event_id: Mapped[int] = mapped_column(ForeignKey("ops.outbox_events.id", ondelete="CASCADE"), index=True)
    status: Mapped[DeliveryStatus] = mapped_column(delivery_status, server_default="PENDING")
    due_at: Mapped[datetime | None] = mapped_column(server_default=text("now()"))
    attempt: Mapped[SmallInt] = mapped_column(server_default="0")
    lease: Mapped[int] = mapped_column(server_default="0")
    error_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "(status IN ('PENDING', 'DELIVERING')) = (due_at IS NOT NULL)", name="unfinished_is_due"
        ),
        Index("uq_webhook_deliveries_subscription_id_event_id", "subscription_id", "event_id", unique=True),
        Index(
            "ix_webhook_deliveries_due",
            "subscription_id",
            "due_at",
            "id",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_webhook_deliveries_subscription_id_id", "subscription_id", "id"),
        {"schema": "ops"},
    )


class WebhookAttempt(Base):
    """One call and what came of it. What the receiver answered is not kept: it may be about persons."""

    __tablename__ = "webhook_attempts"

    id: Mapped[BigId]
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("ops.webhook_deliveries.id", ondelete="CASCADE"), index=True
    )
    attempt: Mapped[SmallInt]
    status_code: Mapped[SmallInt | None]
    error_code: Mapped[str | None]
    duration_ms: Mapped[int]
    created_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "ops"},)
