"""What a client's state does not allow."""

from core.errors import Conflict


class ClientMerged(Conflict):
    """The client is part of another one by now: turn to that one, or undo the later merge first."""

    code = "client_merged"


class IdentityTaken(Conflict):
    """Somebody else is known by this. Who that is, is not told here."""

    code = "identity_taken"


class SecondCpf(Conflict):
    """Two CPFs are two people: a client has one."""

    code = "second_cpf"
