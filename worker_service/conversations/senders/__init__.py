"""The ways out: one sender per kind of channel, all behind one protocol."""

from worker_service.conversations.senders.choosing import sender_for
from worker_service.conversations.senders.letter import Letter, Sender

__all__ = ["Letter", "Sender", "sender_for"]
