"""What is said in a conversation: used by the worker's assistant and by people through the agent service."""

from core.conversations.events import Heard, hear
from core.conversations.speaking import OUTBOUND_CHANNEL, Reply, Thread, say

__all__ = ["OUTBOUND_CHANNEL", "Heard", "Reply", "Thread", "hear", "say"]
