"""What a client's state does not allow."""

from core.errors import Conflict


class ClientMerged(Conflict):
    """The client is part of another one by now: turn to that one, or undo the later merge first."""

    code = "client_merged"
