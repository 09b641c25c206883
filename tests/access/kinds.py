"""The kinds of objects that paths name: how to make one, whose it is, how it goes away.

A new path parameter needs one line in KINDS, and the function that makes such an object.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core import cases
from core.access import Permission
from core.cases import By
from core.ids import uuid7
from core.models import CaseActor, Document, DocumentVersion, Namespace
from tests.access.world import Caller, World
from worker_service.conversations import queries

RANDOM = "01890000-0000-7000-8000-0123456789ab"

Make = Callable[[World, Caller], Awaitable[str]]
Within = Callable[[World, dict[str, str]], Awaitable[str]]
Remove = Callable[[World, str], Awaitable[None]]
Body = Callable[[World], Awaitable[Any]]


@dataclass(frozen=True)
class Kind:
    """Objects of one kind.

    `make` gives the path value of a new one that belongs to the caller. `owned`: another principal sees it
    only with the permission `widened_by` (never, when there is none). `remove`: None when none goes away.
    `gone`: the class of what an allowed caller hears of a removed one.
    """

    make: Make | None = None
    owned: bool = False
    widened_by: Permission | None = None
    remove: Remove | None = None
    gone: str = "not found"
    random: str = RANDOM
    within: Within | None = None
    """Instead of `make`, for what belongs to the object named before it in the path."""

    async def new(self, world: World, owner: Caller, path: dict[str, str]) -> str:
        """The path value of a new one; `path` has the values before it."""
        if self.within is not None:
            return await self.within(world, path)
        assert self.make is not None, "a kind is made in one of two ways"
        return await self.make(world, owner)

    def is_seen_by(self, caller: Caller) -> bool:
        """Whether the caller sees what is somebody else's."""
        return not self.owned or self.widened_by in caller.permissions


def removed_by(path: str) -> Remove:
    """`DELETE` of this path."""

    async def remove(world: World, value: str) -> None:
        await world.delete(path.format(value))

    return remove


async def make_job(world: World, owner: Caller) -> str:
    """A job that is over, so that its stream of events ends."""
    job: str = (await world.post("/ingest", {"text": f"palavras {uuid7()}"}, service="ingestion"))["id"]
    await world.post(f"/ingest/{job}/cancel", service="ingestion")
    await world.execute(
        "UPDATE ai.ingestion_payload SET principal_id = :owner WHERE public_id = :id", owner=owner.key, id=job
    )
    return job


async def make_message(world: World) -> dict[str, Any]:
    body = {"source": "web", "sender_id": f"{uuid7()}@example.org", "content": "Bom dia"}
    return await world.post("/ingest/message", body, service="ingestion")


async def make_event(world: World, owner: Caller) -> str:
    event: str = (await make_message(world))["event_id"]
    await world.execute(
        "UPDATE crm.ingest_events SET principal_id = :owner WHERE public_id = :id", owner=owner.key, id=event
    )
    return event


async def make_answer(world: World, owner: Caller) -> str:
    answer: str = (await world.post("/chat", {"question": "Que horas abre?"}))["id"]
    await world.execute(
        "UPDATE ai.answers SET principal_id = :owner WHERE public_id = :id", owner=owner.key, id=answer
    )
    return answer


async def make_document(world: World, _owner: Caller) -> str:
    digest = hashlib.sha256(uuid7().bytes).digest()
    async with world.database.transaction() as session:
        space = Namespace(name=f"space-{uuid7()}")
        session.add(space)
        await session.flush()
        document = Document(
            public_id=uuid7(), namespace_id=space.id, source="teste://a", title="A", details={}
        )
        session.add(document)
        await session.flush()
        version = DocumentVersion(
            document_id=document.id,
            number=1,
            source_sha256=digest,
            text_sha256=digest,
            canonical_text="palavras",
            outline=[],
            media_type="text/plain",
        )
        session.add(version)
        await session.flush()
        document.current_version_id = version.id
    return str(document.public_id)


async def make_client(world: World, _owner: Caller) -> str:
    client: str = (await make_message(world))["contact_id"]
    return client


async def make_merge(world: World, owner: Caller) -> str:
    winner, loser = await make_client(world, owner), await make_client(world, owner)
    merge: str = (await world.post(f"/crm/clients/{winner}/merge", {"other": loser}))["id"]
    return merge


async def make_identity(world: World, values: dict[str, str]) -> str:
    path = f"/crm/clients/{values['client_id']}/identities"
    asked = {"kind": "email", "value": f"{uuid7()}@example.org"}
    identity: str = (await world.post(path, asked))["identities"][0]["id"]
    return identity


async def make_conflict(world: World, _owner: Caller) -> str:
    names = [{"kind": "email", "value": f"{uuid7()}@example.org"} for _ in range(2)]
    for known in (names[:1], names[1:], names):
        await world.post("/crm/clients/find_or_create", {"identifiers": known})
    async with world.database.transaction() as session:
        newest = text("SELECT public_id FROM crm.identity_conflicts ORDER BY id DESC LIMIT 1")
        return str(await session.scalar(newest))


async def make_ticket(world: World, owner: Caller) -> str:
    asked = {"client_id": await make_client(world, owner), "subject": "Boleto", "description": "Errado"}
    ticket: str = (await world.post("/crm/tickets", asked))["id"]
    await world.execute(
        "UPDATE crm.tickets SET assignee_id = (SELECT id FROM ops.people WHERE id = :owner)"
        " WHERE public_id = :id",
        owner=owner.key,
        id=ticket,
    )
    return ticket


async def make_case(world: World, owner: Caller) -> str:
    asked = {"client_id": await make_client(world, owner), "entity": "prefeitura"}
    case: str = (await world.post("/cases", asked))["id"]
    await world.execute("UPDATE crm.case_rules SET max_active = 1000000")
    async with world.database.connection() as connection, connection.transaction():
        await cases.assign(connection, UUID(case), By(owner.key, CaseActor.AGENT))
    return case


async def make_attachment(world: World, owner: Caller) -> str:
    path = f"/cases/{await make_case(world, owner)}/attachments"
    answer = await world.agent.post(
        path, files={"file": ("rg.pdf", b"%PDF-1.7")}, headers=world.operator.headers
    )
    attachment: str = answer.json()["id"]
    return attachment


async def make_conversation(world: World, owner: Caller) -> str:
    event = UUID((await make_message(world))["event_id"])
    async with world.database.connection() as connection:
        await queries.insert_turn(connection, event)
        await queries.adopt(connection, limit=100)
    async with world.database.transaction() as session:
        conversation: UUID | None = await session.scalar(
            text(
                "UPDATE crm.conversations c SET assigned_id = (SELECT id FROM ops.people WHERE id = :owner)"
                " FROM crm.turns t JOIN crm.ingest_events e ON e.id = t.event_id"
                " WHERE c.id = t.conversation_id AND e.public_id = :event RETURNING c.public_id"
            ),
            {"owner": owner.key, "event": event},
        )
    return str(conversation)


async def make_account(world: World, _owner: Caller) -> str:
    name = f"conta-{uuid7()}"
    await world.post("/channels", {"account": name, "kind": "console", "name": "Console"})
    return name


async def make_webhook(world: World, _owner: Caller) -> str:
    webhook: str = (await world.post("/webhooks", {"url": "http://127.0.0.1:9/cogep"}))["id"]
    return webhook


async def make_delivery(world: World, owner: Caller) -> str:
    delivery: str = (await world.post(f"/webhooks/{await make_webhook(world, owner)}/test"))["id"]
    return delivery


async def make_told_event(world: World, owner: Caller) -> str:
    await make_ticket(world, owner)
    async with world.database.transaction() as session:
        return str(
            await session.scalar(text("SELECT public_id FROM ops.outbox_events ORDER BY id DESC LIMIT 1"))
        )


def _revocation(client: str) -> dict[str, str]:
    return {"client_id": client, "action": "REVOKE", "channel": "phone", "evidence": "Ligou e desistiu."}


async def make_consent(world: World, owner: Caller) -> str:
    decision = await world.post("/crm/consents", _revocation(await make_client(world, owner)))
    consent: str = decision["consent"]["id"]
    return consent


async def make_notice(world: World, _owner: Caller) -> str:
    asked = {"purpose": "LGPD_V1", "body": f"Usamos seus dados para atender você. {uuid7()}"}
    notice: str = (await world.post("/privacy/notices", asked))["id"]
    return notice


async def make_someone(world: World, _owner: Caller) -> str:
    asked = {"name": "Alguém", "email": f"{uuid7()}@example.org", "role": "agent"}
    person: str = (await world.post("/people", asked))["id"]
    return person


async def make_import(world: World, _owner: Caller) -> str:
    """One that was refused, so that its stream of events ends."""
    batch = uuid7()
    await world.execute(
        "INSERT INTO crm.import_batches"
        " (public_id, principal_id, layout, sha256, dry_run, status, error_code, error_detail)"
        " VALUES (:id, 0, 'leads', :digest, true, 'REFUSED', 'file_empty', 'The file holds nothing.')",
        id=batch,
        digest=hashlib.sha256(batch.bytes).digest(),
    )
    return str(batch)


async def make_key_of_a_service(world: World, _owner: Caller) -> str:
    key: str = (await world.post("/keys", {"name": "serviço", "scopes": ["chat"]}))["public_id"]
    return key


KINDS: dict[str, Kind] = {
    "/outbox/events/{event_id}": Kind(make_told_event),
    "account": Kind(make_account, remove=removed_by("/channels/{}"), random="nao-existe"),
    "answer_id": Kind(make_answer, owned=True),
    "attachment_id": Kind(make_attachment, owned=True, widened_by=Permission.CASES_ALL),
    "case_id": Kind(make_case, owned=True, widened_by=Permission.CASES_ALL),
    "client_id": Kind(make_client),
    "conflict_id": Kind(make_conflict),
    "conversation_id": Kind(make_conversation, owned=True, widened_by=Permission.CONVERSATIONS_ALL),
    "consent_id": Kind(make_consent),
    "delivery_id": Kind(make_delivery),
    "document_id": Kind(make_document, remove=removed_by("/documents/{}")),
    "event_id": Kind(make_event, owned=True, widened_by=Permission.EVENTS_ALL),
    "identity_id": Kind(within=make_identity),
    "import_id": Kind(make_import),
    "job_id": Kind(make_job, owned=True, widened_by=Permission.JOBS_ALL),
    "merge_id": Kind(make_merge),
    "notice_id": Kind(make_notice),
    "person_id": Kind(make_someone),
    "public_id": Kind(
        make_key_of_a_service, remove=removed_by("/keys/{}"), gone="allowed", random="0000000000"
    ),
    "ticket_id": Kind(make_ticket, owned=True, widened_by=Permission.TICKETS_ALL),
    "webhook_id": Kind(make_webhook, remove=removed_by("/webhooks/{}")),
}
"""Path parameter to what it names; by the path up to it, where one name stands for two things."""


def key_of(path: str, parameter: str) -> str | None:
    """Under which key of KINDS a parameter of a path is; None when nobody said."""
    place = f"{{{parameter}}}"
    whole = path[: path.index(place) + len(place)]
    return next((key for key in (whole, parameter) if key in KINDS), None)


def kind_of(path: str, parameter: str) -> Kind:
    """What a parameter of a path names."""
    return KINDS[key_of(path, parameter) or parameter]


TELLS_OF_OTHERS = {"POST /cases/{case_id}/assign"}
"""Operations that say of what is another's that it is taken: who loses a race hears why."""


async def _merge_with_another(world: World) -> Any:
    return {"other": await make_client(world, world.operator)}


async def _to_another(world: World) -> Any:
    return {"to": await make_client(world, world.operator)}


async def _revocation_of_somebody(world: World) -> Any:
    return _revocation(await make_client(world, world.operator))


BODIES: dict[str, Body] = {
    "POST /consents": _revocation_of_somebody,
    "POST /crm/consents": _revocation_of_somebody,
    "POST /crm/clients/{client_id}/merge": _merge_with_another,
    "POST /crm/clients/{client_id}/identities/{identity_id}/move": _to_another,
}
"""Operation to its body, where the example of the schema names objects that are not there."""
