"""A counter where clients write and the assistant answers, one step at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.channels import Secret
from core.channels.channel import sealed
from core.contacts import Message, try_link
from core.contacts.linking import body_context
from core.conversations.speaking import read_reply
from core.db import Database
from core.ids import uuid7
from core.models import ChannelKind, EventType
from core.settings import Settings
from core.vault import Vault
from tests.core.retrieval.library import Library
from worker_service.conversations import queries
from worker_service.conversations.consumer import owe_a_turn
from worker_service.conversations.delivery import deliver
from worker_service.conversations.means import Means, means_of
from worker_service.conversations.turn import take_turns
from worker_service.outbox.relay import Consumers, dispatch

MARIA = "5511987654321"
CONSUMERS: Consumers = {EventType.MESSAGE_LINKED: (owe_a_turn,)}
OFFICE = (
    "A secretaria fica no prédio central, na sala 12.",
    "O atendimento da secretaria é de segunda a sexta, das 8h às 18h.",
    "A segunda via da carteira custa R$ 25,00 e fica pronta em 10 dias úteis.",
)
INSERT_CHANNEL = """
INSERT INTO crm.channels (account, kind, name, assistant_on, config, secrets_sealed)
VALUES ($1, $2::text::crm.channel_kind, $1, $3, $4::text::jsonb, $5)
"""
INSERT_EVENT = """
INSERT INTO crm.ingest_events
    (public_id, principal_id, account, source, external_id, body_digest, body_sealed)
VALUES ($1, 1, $2, $3::text::crm.message_source, $4, '', $5) RETURNING id
"""
THREAD = """
SELECT m.public_id, m.seq, m.author::text, m.body_sealed, e.public_id AS event, e.body_sealed AS heard
FROM crm.conversation_messages m JOIN crm.conversations c ON c.id = m.conversation_id
LEFT JOIN crm.ingest_events e ON e.id = m.event_id WHERE c.account = $1 ORDER BY c.id, m.seq
"""


@dataclass
class Counter:
    means: Means
    account: str = "balcao"
    _sent: list[UUID] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.means.database

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        async with self.database.connection() as connection:
            return await connection.fetch(statement, *arguments)

    async def value(self, statement: str, *arguments: Any) -> Any:
        return (await self.fetch(statement, *arguments))[0][0]

    async def open(
        self,
        account: str | None = None,
        kind: ChannelKind = ChannelKind.CONSOLE,
        *,
        config: str = "{}",
        secrets: Mapping[Secret, str] | None = None,
        assistant_on: bool = True,
    ) -> None:
        account = account or self.account
        packed = sealed(self.means.vault, account, secrets or {})
        await self.execute(INSERT_CHANNEL, account, kind.value, assistant_on, config, packed)

    async def write(self, text: str, sender: str = MARIA, **fields: Any) -> int:
        """A message of a client, stored and tied to them: its key."""
        given = {"source": "whatsapp", "account": self.account, **fields}
        external_id = given.pop("external_id", None)
        message = Message.model_validate({**given, "sender_id": sender, "content": text})
        event = uuid7()
        body = self.means.vault.seal(message.packed(), context=body_context(event))
        key: int = await self.value(
            INSERT_EVENT, event, message.account, message.source.value, external_id, body
        )
        assert await try_link(self.database, self.means.vault, key)
        return key

    async def work(self) -> None:
        """Whatever a worker would do by now."""
        await self.take_turns()
        while await deliver(self.database, self.means.vault, self.means.settings):
            pass

    async def take_turns(self) -> None:
        """Answer everybody; nothing goes out."""
        while await dispatch(self.database, CONSUMERS):
            pass
        async with self.database.connection() as connection:
            await queries.adopt(connection, limit=100)
            claimed = await queries.claim(connection, limit=100, ttl=30)
        await asyncio.gather(*(take_turns(self.means, held) for held in claimed))

    async def tell(self, text: str, sender: str = MARIA, **fields: Any) -> str:
        """A message, and what the client is told because of it."""
        before = len(await self.thread())
        await self.write(text, sender, **fields)
        await self.work()
        return "\n".join(said for author, said in (await self.thread())[before:] if author != "client")

    async def thread(self, account: str | None = None) -> list[tuple[str, str]]:
        """Who said what, in order."""
        vault = self.means.vault
        return [
            (
                row["author"],
                read_reply(vault, row["public_id"], row["body_sealed"])
                if row["body_sealed"]
                else Message.model_validate_json(
                    vault.open(row["heard"], context=body_context(row["event"]))
                ).content,
            )
            for row in await self.fetch(THREAD, account or self.account)
        ]

    async def outcomes(self) -> list[str]:
        rows = await self.fetch("SELECT outcome FROM crm.turns WHERE state = 'DONE' ORDER BY event_id")
        return [row["outcome"] for row in rows]

    async def furnish(self) -> None:
        """Something to ask about."""
        key = await self.value("INSERT INTO ai.namespaces (name) VALUES ('default') RETURNING id")
        await Library(self.database, key).add("Secretaria", OFFICE)


@asynccontextmanager
async def opened(settings: Settings, database: Database) -> AsyncIterator[Counter]:
    async with means_of(settings, database) as means:
        counter = Counter(means)
        await counter.furnish()
        await counter.open()
        yield counter


def vault_of(settings: Settings) -> Vault:
    return Vault.of(settings)
