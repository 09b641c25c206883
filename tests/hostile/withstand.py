"""The oracle: what any of our APIs owes to a hostile request. Use it for every service."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import httpx

from core.web.problems import Problem
from tests.hostile.attacks import Attack


async def fire(client: httpx.AsyncClient, attack: Attack) -> httpx.Response:
    """The answer to an attack, sent as it is: nothing of it is corrected on the way."""
    request = client.build_request(attack.method, "/", content=attack.body)
    request.url = httpx.URL("http://test").copy_with(raw_path=_target(attack))
    hostile = [(name.encode(), value) for name, value in attack.headers.items()]
    named = {name for name, _ in hostile}
    kept = [(name, value) for name, value in request.headers.raw if name.lower() not in named]
    request.headers = httpx.Headers(kept + hostile)
    return await client.send(request)


async def withstand(client: httpx.AsyncClient, attacks: Iterable[Attack]) -> list[tuple[Attack, Any]]:
    """Assert that each answer is a success or an honest problem; the successes' bodies come back."""
    successes, failures = [], []
    for attack in attacks:
        answer = await fire(client, attack)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            successes.append((attack, answer))
        elif reason := _complaint(attack, answer):
            failures.append(f"{reason}: {attack}")
    assert not failures, f"{len(failures)} bad answers:\n" + "\n".join(failures[:20])
    return successes


def _complaint(attack: Attack, answer: httpx.Response) -> str | None:
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{answer.status_code}"
    if attack.method == "HEAD":
        return None
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} without a problem"
    problem = Problem.model_validate_json(answer.content)
    is_first = "idempotency-replayed" not in answer.headers  # a replay repeats the first answer word for word
    if is_first and problem.instance != f"urn:request:{answer.headers['x-request-id']}":
        return "a problem of another request"
    return None if problem.code else "a problem without a code"


def _target(attack: Attack) -> bytes:
    return attack.path.encode() + (b"?" + attack.query if attack.query else b"")
