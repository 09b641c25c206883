"""What schemathesis does not know of our APIs: how Meta signs, how a mail is sent; and it counts answers."""

import atexit
import hashlib
import hmac
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis

APP_SECRET = os.environ["COGEP_FUZZ_APP_SECRET"].encode()
COUNTED = Path(os.environ["COGEP_FUZZ_COUNTED"])
answers: Counter[str] = Counter()


@schemathesis.serializer("message/rfc822")
def as_mail(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.hook
def before_call(_context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Sign what goes to Meta's webhook: all of it gets past the signature."""
    if case.operation.label == "POST /webhooks/whatsapp/{account}":
        whole = case.as_transport_kwargs(base_url="http://fuzzed", headers=kwargs.get("headers"))
        sent = {name: whole.get(name) for name in ("method", "url", "headers", "data", "json", "files")}
        body = requests.Request(**sent).prepare().body or b""
        signed = hmac.new(APP_SECRET, body.encode() if isinstance(body, str) else body, hashlib.sha256)
        case.headers["X-Hub-Signature-256"] = f"sha256={signed.hexdigest()}"


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    answers[f"{case.operation.label} {response.status_code}"] += 1


@atexit.register
def told() -> None:
    COUNTED.write_text(json.dumps(answers))
