"""A message as it comes in, and the identities it tells about its sender. Pure."""

import json
from collections.abc import Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from core.matching import IdentityKind, Unmatchable, canonical
from core.matching.whatsapp import wa_id_key
from core.models import MessageSource
from core.types import Instant, Line, Metadata, Model, Slug, Text

MAX_CONTENT = 100_000
MAX_IDENTIFIERS = 20


class Identifier(NamedTuple):
    """An identity in its one spelling, and as it was written."""

    kind: IdentityKind
    value: str
    raw: str


class Given(Model):
    """An identity the sender is known to have."""

    kind: IdentityKind
    value: Annotated[Line, Field(max_length=320)]

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        try:
            canonical(self.kind, self.value)
        except Unmatchable as error:
            raise PydanticCustomError("identifier", "{reason}", {"reason": str(error)}) from None
        return self


class Message(Model):
    """What somebody wrote, through which channel, and who they say they are."""

    source: MessageSource
    sender_id: Annotated[Line, Field(max_length=320)] = Field(
        description="as the channel calls the sender: a WhatsApp id, an address, a number, a user's id"
    )
    content: Annotated[Text, Field(max_length=MAX_CONTENT)]
    metadata: Metadata = Field(default_factory=dict)
    account: Slug = Field(
        "default", description="which of your channels: ids of senders are told apart by it"
    )
    identifiers: tuple[Given, ...] = Field((), max_length=MAX_IDENTIFIERS)
    sender_name: Annotated[Line, Field(max_length=200)] | None = None
    sent_at: Instant | None = None

    @model_validator(mode="after")
    def _names_one_person(self) -> Self:
        if len({item.value for item in self.identities() if item.kind is IdentityKind.CPF}) > 1:
            raise PydanticCustomError("two_cpfs", "two CPFs are two people")
        return self

    @property
    def heir(self) -> Identifier | None:
        """What the sender is known by from now on, instead of by their `sender_id`."""
        return None

    def sender(self) -> Identifier:
        """What the channel itself calls the sender."""
        for kind in _SENDERS.get(self.source, ()):
            try:
                return Identifier(kind, _sender_key(self.source, kind, self.sender_id), self.sender_id)
            except Unmatchable:
                continue
        return self._scoped(IdentityKind.EXTERNAL, self.sender_id)

    def identities(self) -> list[Identifier]:
        """What the sender is known by, strongest first, each once."""
        found = {(item.kind, item.value): item for item in self._all()}
        return sorted(found.values(), key=lambda item: (item.kind.strength, item.value))

    def packed(self) -> bytes:
        """The message as bytes, without what a subclass adds; the same message is the same bytes."""
        content = self.model_dump(mode="json", include=set(Message.model_fields))
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    def _all(self) -> Iterator[Identifier]:
        yield self.sender()
        for given in self.identifiers:
            yield self._scoped(given.kind, given.value)

    def _scoped(self, kind: IdentityKind, value: str) -> Identifier:
        return scoped(kind, value, account=self.account, source=self.source)


class ChannelMessage(Message):
    """A message as a channel of ours brings it; some tell that a person has a new number or id."""

    successor: Given | None = Field(
        None, description="what the sender is known by from now on, instead of by their `sender_id`"
    )

    @property
    def heir(self) -> Identifier | None:
        """The successor, matchable."""
        if (new := self.successor) is None:
            return None
        return self._scoped(new.kind, new.value)

    def packed(self) -> bytes:
        """The message as bytes; without a successor the same as any other message's."""
        plain = super().packed()
        if self.successor is None:
            return plain
        succession = self.model_dump_json(include={"successor"}).encode()
        return plain[:-1] + b"," + succession[1:]


# What the channel's own id of a sender may be. Whatever it is not remains an id we merely remember.
_SENDERS = {
    MessageSource.WHATSAPP: (IdentityKind.WHATSAPP_USER, IdentityKind.PHONE),
    MessageSource.EMAIL: (IdentityKind.EMAIL,),
    MessageSource.PHONE: (IdentityKind.PHONE,),
}


def _sender_key(source: MessageSource, kind: IdentityKind, value: str) -> str:
    if source is MessageSource.WHATSAPP and kind is IdentityKind.PHONE:
        return wa_id_key(value)
    return canonical(kind, value)


def scoped(kind: IdentityKind, value: str, *, account: str, source: MessageSource) -> Identifier:
    """The identity in its one spelling. Raises Unmatchable.

    Another system's ids are its own: number 7 of one site is not number 7 of another.
    """
    key = canonical(kind, value)
    return Identifier(kind, f"{account}/{source}/{key}" if kind is IdentityKind.EXTERNAL else key, value)
