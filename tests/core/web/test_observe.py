from typing import Any
from uuid import UUID

import httpx
import pytest


async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", headers={"X-Request-ID": "order-66.retry_1"})
    assert answer.headers.get_list("x-request-id") == ["order-66.retry_1"]


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "has space in it", 'quote"quote', "ünïcödé-id"])
async def test_any_other_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/health", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert UUID(answer.headers["x-request-id"]).version == 7


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in found if line["event"] == event]


async def test_one_access_line_with_the_template_and_nothing_personal(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.get("/probe/params?many=12345678909", headers={"X-Request-ID": "request-1"})
    (line,) = lines(caplog, "request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/probe/params", 200)
    assert line["request_id"] == "request-1"
    assert "12345678909" not in caplog.text


async def test_both_addresses_count_as_one_route(client: httpx.AsyncClient) -> None:
    await client.get("/probe/whoami")
    await client.get("/api/v1/probe/whoami")
    await client.get("/nowhere/12345678909")
    await client.request("BREW", "/probe/whoami")
    metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/probe/whoami",status="200"} 2.0' in metrics
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in metrics
    assert 'http_requests_total{method="OTHER",route="/probe/whoami",status="405"} 1.0' in metrics
    assert 'http_request_seconds_count{method="GET",route="/probe/whoami"} 2.0' in metrics
    assert "http_requests_in_flight 1.0" in metrics
    assert "12345678909" not in metrics


async def test_a_bug_is_logged_once_under_its_request(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/probe/bug")
    (line,) = lines(caplog, "request_failed")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "KeyError" in line["exception"]


async def test_metrics_are_for_this_machine_or_an_admin(client: httpx.AsyncClient) -> None:
    proxied = {"X-Forwarded-For": "127.0.0.1"}
    assert (await client.get("/metrics", headers=proxied)).status_code == 200
    del client.headers["authorization"]
    assert (await client.get("/metrics")).status_code == 200
    assert (await client.get("/metrics", headers=proxied)).status_code == 401


async def test_answers_carry_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/nothing", "/%ff", "/probe/bug"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
