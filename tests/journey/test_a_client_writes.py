"""A client's first conversation, with real processes: notice, "sim", an answer with its source, a ticket."""

import re
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.product import PATIENCE, Product

ACCOUNT = "atendimento"
CLIENT = "5500900004321"
Messages = list[dict[str, Any]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"))
    product.start()
    product.run("ingest", "examples/")
    yield product
    assert product.stop() == 0


class Phone:
    """A client's telephone, as the Evolution API and the console channel show it to us."""

    def __init__(self, product: Product) -> None:
        made = product.run("channels", "create", ACCOUNT, "--kind", "evolution", "--assistant")
        found = re.search(r"webhook_secret: (\S+)", made)
        assert found is not None, made
        self._secret = found[1]
        self._product = product
        self._sent = 0

    def write(self, text: str) -> httpx.Response:
        """A delivery of the Evolution API."""
        self._sent += 1
        return httpx.post(
            f"{self._product.ingestion}/webhooks/evoapi/{ACCOUNT}",
            headers={"X-Webhook-Secret": self._secret},
            json={"sender_id": CLIENT, "message": text, "message_id": f"m{self._sent}"},
        )

    def reads(self, expected: int) -> Messages:
        """The whole thread, once it has so many messages of ours and all of them went out."""
        return self._until(
            lambda thread: (
                sum(row["author"] != "client" for row in thread) >= expected
                and all(row["delivery"]["state"] == "SENT" for row in thread if row["delivery"])
            )
        )

    def thread(self) -> Messages:
        with self._product.client(self._product.agent) as client:
            listed = client.get("/conversations", params={"account": ACCOUNT}).json()["items"]
            if not listed:
                return []
            rows: Messages = client.get(f"/conversations/{listed[0]['id']}/messages").json()["items"]
            return rows[::-1]

    def _until(self, condition: Callable[[Messages], bool]) -> Messages:
        deadline = monotonic() + PATIENCE
        while not condition(thread := self.thread()):
            assert monotonic() < deadline, thread
            sleep(0.1)
        return thread


def test_from_the_first_message_to_a_ticket(product: Product) -> None:
    phone = Phone(product)

    assert phone.write("Bom dia! Quanto custa a segunda via do cartão?").is_success
    notice = phone.reads(1)[-1]
    assert (notice["author"], "SIM ou NÃO" in notice["text"]) == ("system", True)

    assert phone.write("Sim").is_success
    *_, granted, answered = phone.reads(3)
    assert "consentimento foi registrado" in granted["text"]
    assert "R$ 12,00" in answered["text"], "what was asked first is answered now"

    assert phone.write("Qual o horário de atendimento?").is_success
    answered = phone.reads(4)[-1]
    assert "das 9h às 16h" in answered["text"]
    assert re.search(r"Fontes:\n(\[\d\])+ Horário de atendimento", answered["text"])

    assert phone.write("meu boleto veio errado, preciso de ajuda").is_success
    said = phone.reads(5)[-1]["text"]
    number = re.search(r"chamado (\d{4}-\d{6})", said)
    assert number is not None, said
    with product.client(product.agent) as client:
        ticket = client.get("/crm/tickets").json()["items"][0]
    assert (ticket["number"], ticket["subject"]) == (number[1], "meu boleto veio errado, preciso de ajuda")
    assert number[1] in product.run("conversations", "tail", "--account", ACCOUNT)

    assert phone.write("revogar").is_success
    assert "revogado" in phone.reads(6)[-1]["text"]
    assert phone.write("Qual o horário de atendimento?").is_success
    assert "16h" not in phone.reads(7)[-1]["text"]
    assert [row["seq"] for row in phone.thread()] == list(range(1, 14))
