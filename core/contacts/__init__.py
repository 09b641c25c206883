"""From a message to the one person who sent it: used by the door, and by the worker when the door failed."""

from core.contacts.linking import try_link
from core.contacts.message import Message
from core.contacts.storing import insert_events, new_event

__all__ = ["Message", "insert_events", "new_event", "try_link"]
