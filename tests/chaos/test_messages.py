"""A hundred copies of a thousand messages of five hundred people whose numbers are neighbours, in mixed
forms, while the APIs that take them, and the database under these, are killed at random.

COGEP_CHAOS_MESSAGES and COGEP_CHAOS_COPIES make it shorter, COGEP_CHAOS_SEED chooses the dice.
"""

import asyncio
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic

import asyncpg
import pytest

from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from ops.embedded import EphemeralServers
from tests.api import make_key
from tests.chaos.fleet import fleet
from tests.chaos.people import Form, people
from tests.chaos.wire import Broken, Wire, post

MESSAGES = int(os.environ.get("COGEP_CHAOS_MESSAGES", "1000"))
COPIES = int(os.environ.get("COGEP_CHAOS_COPIES", "100"))
SEED = int(os.environ.get("COGEP_CHAOS_SEED", "1"))
APIS, CLIENTS = 4, 32
TRIES, PAUSE, PATIENCE = 400, 0.1, 30.0
HOURS = 3600.0
READ_BACK = """
SELECT e.external_id, e.status::text, c.public_id::text AS contact
FROM crm.ingest_events e LEFT JOIN crm.clients c ON c.id = e.client_id ORDER BY e.external_id"""
COUNTED = """
SELECT (SELECT count(*) FROM crm.clients), (SELECT count(*) FROM crm.identity_conflicts),
       count(*), count(DISTINCT subject) FROM ops.outbox_events WHERE type = 'message.linked'"""

Request = tuple[str, bytes]
"""The external id of a message, and the bytes that deliver it."""


class Crowd:
    """Clients that send a message until they are told whose it is, to any of the APIs."""

    def __init__(self, ports: Sequence[int], dice: random.Random) -> None:
        self._ports, self._dice = ports, dice
        self.told: dict[str, set[str]] = defaultdict(set)
        self.answers: Counter[str] = Counter()
        self.unhealed: list[str] = []

    async def send(self, requests: Iterable[Request]) -> None:
        """All of them, so many at once."""
        queue = iter(requests)
        await asyncio.gather(*(self._client(queue) for _ in range(CLIENTS)))

    async def _client(self, queue: Iterator[Request]) -> None:
        wires = [Wire(port, PATIENCE) for port in self._ports]
        for message, request in queue:
            if not await self._is_delivered(wires, message, request):
                self.unhealed.append(message)
        for wire in wires:
            wire.close()

    async def _is_delivered(self, wires: Sequence[Wire], message: str, request: bytes) -> bool:
        for _ in range(TRIES):
            contact = await self._ask(self._dice.choice(wires), request)
            if contact is not None:
                self.told[message].add(contact)
                return True
            await asyncio.sleep(PAUSE)
        return False

    async def _ask(self, wire: Wire, request: bytes) -> str | None:
        """The contact; None when the client should try again."""
        try:
            answer = await wire.ask(request)
        except Broken:
            self.answers["cut off"] += 1
            return None
        contact: str | None = answer.body.get("contact_id")
        self.answers[f"{answer.status}{'' if contact or answer.status != 202 else ' to be linked'}"] += 1
        assert answer.status in {202, 503}, answer
        return contact


@pytest.mark.timeout(HOURS)
async def test_every_message_is_one_event_of_its_one_sender_whoever_dies(
    settings: Settings, database: Database, servers: EphemeralServers
) -> None:
    dice, key = random.Random(SEED), await make_key(database, [Scope.INGEST])
    persons = people(MESSAGES // 2)
    introductions = [request(person.first, key.plaintext) for person in persons if person.ordered]
    everything = [request(form, key.plaintext) for one in persons for form in (one.first, one.second)]
    copies = [*everything * (COPIES - 1), *(one for one in everything if one not in introductions)]
    dice.shuffle(copies)
    name = (await read_back(settings, "SELECT current_database()"))[0][0]
    started = monotonic()
    async with fleet(settings, APIS, servers.postgres.url(name, superuser=True)) as apis:
        crowd = Crowd(apis.ports, dice)
        striking = asyncio.create_task(apis.strike(dice))
        await crowd.send(introductions)
        await crowd.send(copies)
        striking.cancel()
        await asyncio.gather(striking, return_exceptions=True)
    print(f"{len(introductions) + len(copies)} deliveries of {len(everything)} messages")
    print(f"in {monotonic() - started:.0f} s; killed {dict(apis.blows)}; answers {dict(crowd.answers)}")
    assert crowd.unhealed == []
    stored = await read_back(settings, READ_BACK)
    assert [row["external_id"] for row in stored] == sorted(message for message, _ in everything)
    assert {row["status"] for row in stored} == {"LINKED"}
    contacts = {row["external_id"]: row["contact"] for row in stored}
    assert crowd.told == {message: {contact} for message, contact in contacts.items()}
    senders = [{contacts[form["external_id"]] for form in (one.first, one.second)} for one in persons]
    assert [len(found) for found in senders] == [1] * len(persons)
    assert len(set().union(*senders)) == len(persons)
    told = len(everything)  # each is told once, too
    assert tuple((await read_back(settings, COUNTED))[0]) == (len(persons), 0, told, told)
    assert min(apis.blows["API processes"], apis.blows["Postgres backends"])


def request(form: Form, key: str) -> Request:
    return form["external_id"], post("/ingest/message", key, form)


async def read_back(settings: Settings, statement: str) -> list[asyncpg.Record]:
    """What a connection finds that has seen nothing before."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    found: list[asyncpg.Record] = await connection.fetch(statement)
    await connection.close()
    return found
