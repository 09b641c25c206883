import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from core.errors import Unauthenticated
from core.ids import uuid7
from core.tokens import ACCESS_SECONDS, AUDIENCE, ISSUER, LEEWAY_SECONDS, Claims, Tokens

TOKENS = Tokens(b"a secret of this test, long enough")
CLAIMS = Claims(uuid7(), uuid7())


def refused(token: str) -> bool:
    try:
        TOKENS.read(token)
    except Unauthenticated:
        return True
    return False


def signed(algorithm: str = "HS256", **changes: Any) -> str:
    """A token of ours but for these changes; None leaves a claim out."""
    payload = jwt.decode(TOKENS.issue(CLAIMS), options={"verify_signature": False})
    changed = {name: value for name, value in {**payload, **changes}.items() if value is not None}
    return jwt.encode(changed, None if algorithm == "none" else TOKENS._signing, algorithm)


def test_a_token_says_who_and_in_which_session() -> None:
    assert TOKENS.read(TOKENS.issue(CLAIMS)) == CLAIMS
    assert TOKENS.read(signed()) == CLAIMS


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "exp", "jti"])
def test_every_claim_is_required(claim: str) -> None:
    assert refused(signed(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "another-api"},
        {"sub": "1"},
        {"sid": "1"},
        {"sub": 1},
        {"iat": 4_000_000_000},
        {"exp": 1_000_000_000},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
    ],
)
def test_every_claim_is_checked(changes: dict[str, Any]) -> None:
    assert refused(signed(**changes))


def test_a_token_lives_ten_minutes() -> None:
    now = datetime.now(UTC)
    ended = timedelta(seconds=ACCESS_SECONDS + LEEWAY_SECONDS + 1)
    assert refused(TOKENS.issue(CLAIMS, at=now - ended))
    assert not refused(TOKENS.issue(CLAIMS, at=now - ended + timedelta(seconds=60)))


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_only_our_signature_with_our_algorithm_counts() -> None:
    assert refused(Tokens(b"another secret, just as long as ours").issue(CLAIMS))
    assert refused(signed(algorithm="HS384"))
    assert refused(signed(algorithm="none"))
    header, payload, signature = TOKENS.issue(CLAIMS).split(".")
    forged = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged["sub"] = str(uuid7())
    other = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    assert refused(f"{header}.{other}.{signature}")
    assert refused(f"{header}.{payload}.")


@pytest.mark.parametrize("nonsense", ["", "..", "a.b.c", "ü.ü.ü", "\ud800.a.b", "a" * 100_000 + ".b.c"])
def test_nonsense_is_refused(nonsense: str) -> None:
    assert refused(nonsense)


def test_a_header_too_deep_to_read_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' * 50_000).decode().rstrip("=")
    assert refused(f"{deep}.e30.AAAA")


def test_the_successor_is_one_and_needs_the_secret() -> None:
    assert TOKENS.successor("cgr_x") == TOKENS.successor("cgr_x") != TOKENS.successor("cgr_y")
    assert Tokens(b"another").successor("cgr_x") != TOKENS.successor("cgr_x")
    assert (ISSUER, AUDIENCE) == ("cogep-assist", "cogep-assist-api")
