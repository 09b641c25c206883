"""The one refusal of this package."""


class Unmatchable(ValueError):
    """The value is not of its kind. The message is a sentence that does not repeat the value."""
