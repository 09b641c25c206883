"""Accounts of channels, as the agent API makes them."""

from typing import Any

from agent_service.channels.schemas import ChannelCreated, ChannelIn
from agent_service.channels.service import create_channel
from core.db import Database
from core.settings import Settings
from core.vault import Vault


async def make_channel(
    database: Database, settings: Settings, account: str, kind: str, **more: Any
) -> ChannelCreated:
    asked = ChannelIn.model_validate({"account": account, "kind": kind, "name": account, **more})
    return await create_channel(database, Vault.of(settings), asked, actor=None)
