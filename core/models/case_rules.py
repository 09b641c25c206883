"""What operators decide about cases, and the table of transitions as the database's triggers read it."""

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import ARRAY, SMALLINT
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, CreatedAt, SmallInt
from core.models.case_states import CaseActor, CaseStatus
from core.models.cases import ACTOR, STATUS


class CaseRules(Base):
    """One row: how long a lease lasts, how many one may have, what expiry and waiting mean.

    Without a calendar hours are elapsed ones; with one (`core.cases.calendar`) they are hours of business.
    """

    __tablename__ = "case_rules"

    id: Mapped[SmallInt] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    lease_hours: Mapped[int]
    max_active: Mapped[int]
    retake_after_hours: Mapped[int]
    aging_hours: Mapped[int]
    alert_hours: Mapped[list[int]] = mapped_column(ARRAY(SMALLINT))
    calendar: Mapped[dict[str, Any] | None]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint(
            "lease_hours > 0 AND max_active > 0 AND retake_after_hours >= 0 AND aging_hours >= 0",
            name="positive",
        ),
        {"schema": "crm"},
    )


class CaseTransition(Base):
    """A row of `core.models.case_states.TRANSITIONS`, for the triggers; a test compares the two."""

    __tablename__ = "case_transitions"

    from_status: Mapped[CaseStatus] = mapped_column(STATUS, primary_key=True)
    to_status: Mapped[CaseStatus] = mapped_column(STATUS, primary_key=True)
    actor: Mapped[CaseActor] = mapped_column(ACTOR, primary_key=True)

    __table_args__ = ({"schema": "crm"},)
