"""Our accounts on the channels people write to us through: who may knock, and how we answer."""

from core.channels.channel import Channel, Secret
from core.channels.config import Config
from core.channels.queries import find_channel

__all__ = ["Channel", "Config", "Secret", "find_channel"]
