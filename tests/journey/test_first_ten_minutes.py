"""What a newcomer does in the first ten minutes: all processes are real, nothing is stubbed."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from core.migrations import ROOT

COGEP = Path(sys.executable).parent / "cogep"
PATIENCE = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Product:
    """The product as `make run` starts it, on ports and in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.ingestion, self.agent = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}
        } | {
            "COGEP_DATA_DIR": str(folder),
            "COGEP_INGESTION_PORT": self.ingestion.rpartition(":")[2],
            "COGEP_AGENT_PORT": self.agent.rpartition(":")[2],
            "NO_COLOR": "1",
        }
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [COGEP, "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        for url in (self.ingestion, self.agent):
            self._await_ready(url)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [COGEP, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, url: str) -> httpx.Client:
        key = (self.folder / "admin-key").read_text().strip()
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def stop(self) -> int:
        assert self._up is not None
        self.run("stop")
        return self._up.wait(30)

    def _await_ready(self, url: str) -> None:
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            try:
                if httpx.get(f"{url}/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            assert self._up is not None
            assert self._up.poll() is None, (self.folder / "up.log").read_text()
            sleep(0.1)
        raise AssertionError((self.folder / "up.log").read_text())


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"))
    product.start()
    product.run("ingest", "examples/")
    yield product
    assert product.stop() == 0


@pytest.mark.parametrize("question", ["Qual o horário de atendimento?", "QUAL O HORARIO DE ATENDIMENTO"])
def test_a_question_is_answered_from_the_right_document(product: Product, question: str) -> None:
    answer = product.run("ask", question)
    assert "horario-de-atendimento.md" in answer
    assert "das 9h às 16h" in answer


def test_typing_errors_still_find_the_document(product: Product) -> None:
    assert "horario-de-atendimento.md" in product.run("ask", "qual orario de atendimemto")


def test_each_citation_is_the_literal_text_of_its_document(product: Product) -> None:
    with product.client(product.agent) as client:
        answer = client.post("/chat", json={"question": "Quanto custa a segunda via do cartão?"}).json()
        assert answer["citations"]
        for citation in answer["citations"]:
            text = client.get(f"/documents/{citation['document_id']}/text").json()["text"]
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert "R$ 12,00" in answer["answer"]


def test_what_the_documents_do_not_tell_is_said_so(product: Product) -> None:
    with product.client(product.agent) as client:
        answer = client.post("/chat", json={"question": "Quem descobriu o Brasil?"}).json()
    assert (answer["abstained"], answer["citations"]) == (True, [])


def test_the_same_documents_again_change_nothing(product: Product) -> None:
    product.run("ingest", "examples/")
    with product.client(product.ingestion) as client:
        jobs = client.get("/ingest", params={"limit": 6}).json()["items"]
    assert {job["outcome"] for job in jobs} == {"unchanged"}


@pytest.mark.parametrize("service", ["ingestion", "agent"])
def test_the_documentation_opens_without_the_internet(product: Product, service: str) -> None:
    with product.client(getattr(product, service)) as client:
        page = client.get("/docs")
        assert page.is_success
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert assets
        for asset in assets:
            assert "//" not in asset
            assert client.get(f"/{asset.lstrip('/')}").is_success
        assert client.get("/openapi.json").json()["paths"]


def test_everything_is_still_there_after_a_restart(product: Product) -> None:
    assert product.stop() == 0
    product.start()
    assert "das 9h às 16h" in product.run("ask", "Qual o horário de atendimento?")
