"""All that a message tells its sender is, or from now on will be, known by. Pure but for the vault."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from core.contacts.keys import Key, Known, key_of, known
from core.contacts.message import Message
from core.vault import Vault


@dataclass(frozen=True, slots=True)
class Names:
    """`known` are the identities told, strongest first; `heir` takes the place of `sender`."""

    known: Mapping[Key, Known]
    sender: Key | None = None
    heir: Known | None = None

    @classmethod
    def of(cls, vault: Vault, message: Message) -> Self:
        """The names in a message. A number that only changed its spelling has no heir."""
        sender = key_of(vault, message.sender())
        heir = None if message.heir is None else known(vault, message.heir)
        told = (known(vault, item) for item in message.identities())
        return cls({item.key: item for item in told}, sender, None if heir and heir.key == sender else heir)

    @property
    def all(self) -> Mapping[Key, Known]:
        """With the heir."""
        return self.known if self.heir is None else {**self.known, self.heir.key: self.heir}

    def leading(self, owned: Collection[Key]) -> list[Key]:
        """The keys that say who this is: who was never known by the old name is known by the new one only."""
        if self.heir is None or self.sender in owned:
            return list(self.known)
        return [key for key in self.known if key != self.sender] + [self.heir.key]
