import json
from collections.abc import Callable

import pytest

from tests.ops.stub_product import Product

Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]


def test_a_new_account_tells_its_address_and_its_secret_once(
    product: Product, cogep: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COGEP_INGESTION_URL", "http://127.0.0.1:8001")
    made = {"account": "zap", "kind": "evolution", "generated": {"webhook_secret": "s3cr3t"}}
    product.on("POST /channels", (201, made))
    assert (
        cogep("channels", "create", "zap", "--kind", "evolution", "--assistant", "--set", "instance=um") == 0
    )
    said = capsys.readouterr().out
    assert "webhook: http://127.0.0.1:8001/webhooks/evoapi/zap" in said
    assert "webhook_secret: s3cr3t" in said
    sent = json.loads(product.asked[0][2])
    assert (sent["assistant_on"], sent["config"], sent["namespace"]) == (True, {"instance": "um"}, "default")


def test_a_setting_has_a_value_and_a_port_is_a_number(product: Product, cogep: Run) -> None:
    assert cogep("channels", "create", "c", "--kind", "email", "--set", "mailbox") == 2
    product.on("POST /channels", (201, {"account": "c", "kind": "email", "generated": {}}))
    assert cogep("channels", "create", "c", "--kind", "email", "--set", "smtp_port=25") == 0
    assert json.loads(product.asked[0][2])["config"] == {"smtp_port": 25}


def test_accounts_are_listed(product: Product, cogep: Run, capsys: Captured) -> None:
    row = {"account": "zap", "kind": "evolution", "name": "Zap", "namespace": "default"}
    rows = [
        {**row, "assistant_on": True, "is_active": True},
        {**row, "assistant_on": False, "is_active": False},
    ]
    product.on("GET /channels", (200, {"items": rows}))
    assert cogep("channels", "list") == 0
    said = capsys.readouterr().out
    assert "responde de default" in said
    assert "inativa" in said
