"""Which sender an account has."""

from core.channels import Channel, Secret
from core.models import ChannelKind
from core.settings import Settings
from worker_service.conversations.senders.console import Console
from worker_service.conversations.senders.evolution import Evolution
from worker_service.conversations.senders.letter import Sender
from worker_service.conversations.senders.smtp import Smtp
from worker_service.conversations.senders.whatsapp_cloud import WhatsAppCloud


def sender_for(channel: Channel, settings: Settings) -> Sender:
    """The channel's own way out; the console while its credentials are missing."""
    config, secrets = channel.config, channel.secrets
    match channel.kind:
        case ChannelKind.WHATSAPP_CLOUD if config.phone_number_id and secrets.get(Secret.ACCESS_TOKEN):
            return WhatsAppCloud(settings)
        case ChannelKind.EVOLUTION if config.base_url and secrets.get(Secret.API_KEY):
            return Evolution(settings)
        case ChannelKind.EMAIL if config.mailbox and config.smtp_host:
            return Smtp()
        case _:
            return Console()
