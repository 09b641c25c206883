"""What an operator says about an account that is no secret, and which kind has which of it. Pure."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.matching import IdentityKind, Unmatchable, canonical
from core.models import ChannelKind
from core.types import Line, Model


class SmtpSecurity(StrEnum):
    """How the way to the mail server is secured."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None
        _ = parts.port
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment:
        raise PydanticCustomError("web_address", "this is no http(s) address without user, query or fragment")
    return value.rstrip("/")


def _mailbox(value: str) -> str:
    try:
        return canonical(IdentityKind.EMAIL, value)
    except Unmatchable as error:
        raise PydanticCustomError("mailbox", "{reason}", {"reason": str(error)}) from None


class Config(Model):
    """The settings of an account; each kind has its own, see `FIELDS`."""

    phone_number_id: str | None = Field(
        None, pattern=r"^[0-9]{1,32}$", description="WhatsApp Cloud: Meta's id of our number"
    )
    base_url: Annotated[Line, Field(max_length=500), AfterValidator(_web_address)] | None = Field(
        None, description="where replies are posted; an evolution account without one replies on the console"
    )
    instance: Annotated[Line, Field(max_length=100)] | None = Field(
        None, description="Evolution API: the name of our instance"
    )
    mailbox: Annotated[Line, Field(max_length=320), AfterValidator(_mailbox)] | None = Field(
        None, description="e-mail: our address"
    )
    smtp_host: Annotated[Line, Field(max_length=253)] | None = None
    smtp_port: int | None = Field(None, ge=1, le=65535, strict=True)
    smtp_user: Annotated[Line, Field(max_length=320)] | None = None
    smtp_security: SmtpSecurity | None = None


FIELDS: dict[ChannelKind, frozenset[str]] = {
    ChannelKind.WHATSAPP_CLOUD: frozenset({"phone_number_id", "base_url"}),
    ChannelKind.EVOLUTION: frozenset({"instance", "base_url"}),
    ChannelKind.EMAIL: frozenset({"mailbox", "smtp_host", "smtp_port", "smtp_user", "smtp_security"}),
    ChannelKind.CONSOLE: frozenset(),
}
