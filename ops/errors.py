"""What keeps an operator's command from doing its work."""


class CannotStart(Exception):
    """Something on this machine is in the way; the message says what, and what to do."""


class Refused(Exception):
    """An API said no, or said nothing; the message is the sentence to show."""


class NoSuchKey(Exception):
    """No living key has the id given."""


class LogBroken(Exception):
    """The audit log is not what it was; the message says where."""


class NotDone(Exception):
    """What the database holds does not allow it; the message is the sentence to show."""
