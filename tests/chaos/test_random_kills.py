"""Documents keep coming while processes are killed at random: what got its 202 is searchable, once.

COGEP_CHAOS_SECONDS says how long (default 60), COGEP_CHAOS_SEED which dice.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from signal import SIGCONT, SIGKILL, SIGSTOP
from time import monotonic

import httpx
import psutil
import pytest

from tests.product import Product

SECONDS = float(os.environ.get("COGEP_CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("COGEP_CHAOS_SEED", "1"))
LEASE = 3.0
PATIENCE = 180.0
CLIENTS = 4


@pytest.fixture
def product(tmp_path: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(
        tmp_path,  # type: ignore[arg-type]
        COGEP_QUEUE_LEASE_SECONDS=str(LEASE),
        COGEP_QUEUE_MAX_ATTEMPTS="100",
    )
    product.start()
    yield product
    product.stop()


class Ledger:
    """What the product acknowledged, and every status it ever answered."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    async def hand_in(self, client: httpx.AsyncClient, name: str) -> None:
        """As a careful client does: the same key until there is an answer."""
        document = {
            "source": name,
            "text": f"O protocolo {name} foi registrado no setor de testes.",
            "idempotency_key": name,
        }
        while name not in self.acknowledged:
            try:
                answer = await client.post("/ingest", json=document)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == 202:
                self.acknowledged[name] = answer.json()["id"]
            else:
                await asyncio.sleep(0.2)


class Dice:
    """Chooses whom to hurt, and how."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._random = random.Random(SEED)
        self.blows: Counter[str] = Counter()

    async def throw(self) -> None:
        await asyncio.sleep(self._random.uniform(0.3, 2.0))
        try:
            name, process = self._victim()
            if "worker" in name and self._random.random() < 0.3:
                process.send_signal(SIGSTOP)
                await asyncio.sleep(LEASE * 1.5)
                process.send_signal(SIGCONT)
                self.blows[f"pause {name}"] += 1
            else:
                process.send_signal(SIGKILL)
                self.blows[f"kill {name}"] += 1
        except psutil.NoSuchProcess:
            return

    def _victim(self) -> tuple[str, psutil.Process]:
        processes = [(name, psutil.Process(pid)) for name, pid in self._alive()]
        children = [
            (f"{name} child", child)
            for name, process in processes
            if name == "worker"
            for child in process.children()
        ]
        return self._random.choice(processes + children * 2 + self._servers())

    def _servers(self) -> list[tuple[str, psutil.Process]]:
        """Postmaster and Redis, children of the command, and one process that serves a connection."""
        servers = [(process.name(), process) for process in self._product.supervisor().children()]
        servers = [server for server in servers if server[0].startswith(("postgres", "redis"))]
        backends = [child for name, process in servers if name == "postgres" for child in process.children()]
        return servers + [
            ("backend", backend) for backend in self._random.sample(backends, min(1, len(backends)))
        ]

    def _alive(self) -> list[tuple[str, int]]:
        return [(name, pid) for name, pid in self._product.processes().items() if psutil.pid_exists(pid)]


@pytest.mark.timeout(SECONDS + PATIENCE + 120)
async def test_whatever_was_acknowledged_is_searchable_once(product: Product) -> None:
    ledger, dice = Ledger(), Dice(product)
    end = monotonic() + SECONDS

    async def keep_handing_in(number: int) -> None:
        count = 0
        with product.client(product.ingestion) as known:
            headers = dict(known.headers)
        async with httpx.AsyncClient(base_url=product.ingestion, headers=headers, timeout=5) as client:
            while monotonic() < end:
                count += 1
                await ledger.hand_in(client, f"c{number}-{count}")
                await asyncio.sleep(0.02)

    async def keep_hurting() -> None:
        while monotonic() < end:
            await dice.throw()

    await asyncio.gather(keep_hurting(), *(keep_handing_in(number) for number in range(CLIENTS)))
    print(
        f"{len(ledger.acknowledged)} acknowledged, answers {dict(ledger.statuses)}, blows {dict(dice.blows)}"
    )
    assert dice.blows.total() > SECONDS / 6
    assert set(ledger.statuses) <= {202, 503}
    await _all_done(product, len(ledger.acknowledged))
    await _each_once(product, ledger.acknowledged)


async def _all_done(product: Product, expected: int) -> None:
    deadline = monotonic() + PATIENCE
    counts: dict[str, int] = {}
    with product.client(product.ingestion) as client:
        while counts.get("COMPLETED") != expected:
            assert monotonic() < deadline, counts
            await asyncio.sleep(0.5)
            try:
                answer = client.get("/ingest/stats")
            except httpx.TransportError:
                continue
            counts = answer.json().get("counts", {}) if answer.is_success else {}
    assert counts["FAILED"] == counts["PROCESSING"] == counts["PENDING"] == 0


async def _each_once(product: Product, acknowledged: dict[str, str]) -> None:
    with product.client(product.ingestion) as ingestion, product.client(product.agent) as agent:
        documents: Counter[str] = Counter()
        cursor: str | None = None
        while cursor is not None or not documents:
            page = agent.get(
                "/documents", params={"limit": 100} | ({"cursor": cursor} if cursor else {})
            ).json()
            documents.update(item["source"] for item in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert documents == Counter(acknowledged.keys())
        for name in random.Random(SEED).sample(sorted(acknowledged), min(30, len(acknowledged))):
            job = ingestion.get(f"/ingest/{acknowledged[name]}").json()
            assert (job["source"], job["status"], job["outcome"]) == (name, "COMPLETED", "indexed")
            found = agent.post("/retrieve", json={"query": f"protocolo {name}", "top_k": 1}).json()
            assert found["passages"][0]["source"] == name
