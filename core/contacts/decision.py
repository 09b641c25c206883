"""Who is meant when identities agree, disagree or are unknown. Pure.

Nothing is ever merged here: what looks like one person twice is put before a human, and the message goes to
the strongest identity meanwhile.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.contacts.keys import Key
from core.matching import IdentityKind


@dataclass(frozen=True, slots=True)
class Decision:
    """`client` is None when the sender is new. `attach` are the identities that become theirs.

    `retire` are those of `attach` that somebody had until now. `rivals` are the clients a human must look at,
    without the one that is about to be made.
    """

    client: int | None
    attach: tuple[Key, ...]
    retire: tuple[Key, ...]
    rivals: frozenset[int]
    is_conflict: bool


def decide(
    keys: Sequence[Key],
    owners: Mapping[Key, int],
    cpfs: Mapping[int, Key],
    silent: Collection[Key] = frozenset(),
) -> Decision:
    """Decide for `keys`, strongest first; `owners` says whose they are, `cpfs` which CPF a client has.

    A client with another CPF than the message's is another person: a phone or an address that changed hands
    does not lead to them, and even a stronger identity does not give them a second CPF. A telephone
    number that fell silent may be a stranger's by now: one of `silent` leads to nobody and goes to its user.
    """
    cpf = next((key for key in keys if key.kind is IdentityKind.CPF), None)

    def contradicts(client: int) -> bool:
        return cpf is not None and cpfs.get(client, cpf) != cpf

    def leads(key: Key) -> bool:
        weaker = key.kind.strength > IdentityKind.CPF.strength
        return key not in silent and not (weaker and contradicts(owners[key]))

    client = next((owners[key] for key in keys if key in owners and leads(key)), None)
    is_odd = client is not None and contradicts(client)
    rivals = frozenset(owners[key] for key in keys if key in owners)
    retire = tuple(key for key in keys if key in silent and owners[key] != client)
    free = (key for key in keys if key not in owners and not (is_odd and key == cpf))
    return Decision(
        client,
        (*free, *retire),
        retire,
        rivals,
        is_odd or len(rivals) + (client is None) > 1,
    )
