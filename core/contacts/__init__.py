"""From a message to the one person who sent it: used by the door, and by the worker when the door failed."""

from core.contacts.linking import try_link
from core.contacts.message import Message

__all__ = ["Message", "try_link"]
