import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import JobError
from core.models import EventType
from core.netguard import AllowList
from core.webhooks import check_address, new_secret, shown, signatures

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/webhooks.md").read_text()


@pytest.fixture
def verify() -> Callable[..., bool]:
    """As the documentation tells receivers to."""
    code = re.search(r"```python\n(import base64.*?)```", DOCS, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    found: Callable[..., bool] = names["verify"]
    return found


def test_the_signature_is_that_of_the_specifications_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = signatures([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_documented_verification_takes_ours_and_no_other(verify: Callable[..., bool]) -> None:
    old, new, now = new_secret(), new_secret(), int(time.time())
    body = b'{"data":{},"type":"ticket.opened"}'

    def headers(*keys: bytes, at: int = now) -> dict[str, str]:
        signed = signatures(keys, "1", at, body)
        return {"webhook-id": "1", "webhook-timestamp": str(at), "webhook-signature": signed}

    assert verify(shown(old), headers(old), body)
    assert verify(shown(old), headers(new, old), body)
    assert not verify(shown(old), headers(new), body)
    assert not verify(shown(old), headers(old), body + b" ")
    assert not verify(shown(old), {**headers(old), "webhook-id": "2"}, body)
    assert not verify(shown(old), headers(old, at=now - 600), body)


def test_every_type_is_documented() -> None:
    section = DOCS.split("## Types")[1].split("##")[0]
    noun, documented = "", set()
    for name in re.findall(r"`([a-z]*\.[a-z]+)`", section):
        noun = name.split(".")[0] or noun
        documented.add(f"{noun}.{name.split('.')[1]}")
    assert documented == {str(type_) for type_ in EventType}


def test_http_is_for_opened_hosts_only() -> None:
    opened = AllowList(["erp.internal:8080"])
    assert check_address("http://erp.internal:8080/x", opened).port == 8080
    assert check_address("https://public.example/x", opened).scheme == "https"
    with pytest.raises(JobError, match="only https"):
        check_address("http://public.example/x", opened)
