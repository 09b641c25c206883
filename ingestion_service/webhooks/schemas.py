"""What a delivery is answered with. Channels read only its status; people with curl read all of it."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class TakenOut(BaseModel):
    """One message of a delivery."""

    event_id: UUID
    contact_id: UUID | None = Field(description="who sent it; None until it is tied to its sender")
    duplicate: bool = Field(description="whether it was known already; the first is kept")


class DeliveryOut(BaseModel):
    """The delivery is stored for good."""

    status: Literal["persisted"] = "persisted"
    messages: list[TakenOut]
    statuses: int = Field(0, description="how many told how far a message of ours got")
    ignored: list[str] = Field(description="why parts of it are no messages to us, for example `from_me`")
