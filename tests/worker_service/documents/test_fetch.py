import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.errors import JobError
from tests.worker_service.documents.site import Answer, Site, raw, reply
from worker_service.documents.fetch import Fetched, FetchLimits, fetch


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


async def test_a_page_comes_with_what_is_known_about_it(site: Site) -> None:
    site.pages["/docs/tabela%20a.html?x=1"] = reply(
        body=b"<p>oi",
        Content_Type="text/html; charset=utf-8",
        ETag='"1"',
        Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT",
    )
    fetched = await site.get("/docs/tabela%20a.html?x=1")
    assert fetched == Fetched(
        data=b"<p>oi",
        media_type_declared="text/html; charset=utf-8",
        filename="tabela a.html",
        final_url=site.url("/docs/tabela%20a.html?x=1"),
        etag='"1"',
        last_modified="Thu, 01 Jan 2026 00:00:00 GMT",
    )
    assert f"Host: 127.0.0.1:{site.port}" in site.requests[0]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename*=UTF-8''pre%C3%A7os.csv", "preços.csv"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\b.docx"', "b.docx"),
        ("inline", "x"),
        ("attachment; filename=", "x"),
        ("attachment; filename*" + "9" * 5_000 + "=a.pdf", "x"),
        ("attachment; filename*=undefined''a%ff.pdf", "x"),
    ],
)
async def test_names_are_bare(site: Site, disposition: str, name: str) -> None:
    site.pages["/x"] = reply(body=b"a", Content_Disposition=disposition)
    assert (await site.get("/x")).filename == name


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        *(
            (404, "source_not_found", False),
            (410, "source_not_found", False),
            (401, "source_forbidden", False),
        ),
        *((403, "source_forbidden", False), (451, "source_forbidden", False), (400, "source_refused", False)),
        *((418, "source_refused", False), (304, "source_refused", False), (302, "source_refused", False)),
        *(
            (408, "source_unavailable", True),
            (429, "source_unavailable", True),
            (500, "source_unavailable", True),
        ),
        *((503, "source_unavailable", True), (599, "source_unavailable", True)),
    ],
)
async def test_statuses(site: Site, status: int, code: str, retryable: bool) -> None:
    site.pages["/x"] = reply(status)
    error = await site.refusal("/x")
    assert (error.code, error.retryable, error.retry_after) == (code, retryable, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("99999999999999", 86_400),
        ("soon", None),
        ("-1", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
async def test_retry_after_is_honoured(site: Site, value: str, seconds: float | None) -> None:
    site.pages["/x"] = reply(429, Retry_After=value)
    assert (await site.refusal("/x")).retry_after == seconds


async def test_retry_after_may_be_a_date(site: Site) -> None:
    site.pages["/x"] = reply(
        503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    )
    wait = (await site.refusal("/x")).retry_after
    assert wait is not None
    assert 60 < wait <= 120


async def test_redirects_are_followed_and_counted(site: Site) -> None:
    for step in range(6):
        site.pages[f"/{step}"] = reply(301 + step % 2, Location=f"{step + 1}#f")
    site.pages["/5"] = reply(body=b"fim")
    assert (await site.get("/0")).final_url == site.url("/5")
    site.pages["/5"] = reply(307, Location="/6")
    site.pages["/6"] = reply(body=b"longe demais")
    assert (await site.refusal("/0")).code == "redirect_loop"
    assert "GET /6" not in "".join(site.requests)


async def test_a_circle_is_seen(site: Site) -> None:
    site.pages["/a"], site.pages["/b"] = reply(302, Location="/b"), reply(308, Location="/a")
    assert (await site.refusal("/a")).code == "redirect_loop"
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    "location",
    [
        *(
            "file:///etc/passwd",
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://169.254.169.254/",
            "//10.0.0.1/",
        ),
        *(
            "gopher://example.com/",
            "http://user@example.com/",
            "http://[::1]/",
            "http://[",
            "http://2130706433/",
        ),
        *("javascript:alert(1)", "http://example.com:22/", "http://exa mple.com/", "https://\xe9\xff.local/"),
    ],
)
async def test_redirects_are_judged_like_the_first_address(site: Site, location: str) -> None:
    site.pages["/x"] = reply(302, Location=location)
    assert (await site.refusal("/x")).code == "url_not_allowed"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:8000/", "ftp://x/", "", "http://[::1]/"]
)
async def test_private_addresses_need_the_allow_list(url: str) -> None:
    with pytest.raises(JobError, match="url_not_allowed"):
        await fetch(url, limits=FetchLimits())


async def test_the_checked_address_is_the_one_connected_to(site: Site) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    site.pages["/x"] = reply(body=b"oi")
    url = f"http://site.example:{site.port}/x"
    assert (await fetch(url, limits=site.limits(), resolver=rebinding)).data == b"oi"
    assert f"Host: site.example:{site.port}" in site.requests[0]
    assert next(answers) == ["127.0.0.2"]


async def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    async def two(_host: str, _port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    site.pages["/x"] = reply(body=b"oi")
    assert (
        await fetch(f"http://site.example:{site.port}/x", limits=site.limits(), resolver=two)
    ).data == b"oi"


async def test_a_public_name_with_a_private_address_is_refused(site: Site) -> None:
    async def mixed(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(JobError, match="url_not_allowed"):
        await fetch("http://public.example/", limits=site.limits(), resolver=mixed)


async def test_size_is_bounded_by_header_and_by_count(site: Site) -> None:
    site.pages["/declared"] = raw(b"HTTP/1.1 200 X\r\nContent-Length: 999999999\r\n\r\n")
    site.pages["/endless"] = raw(b"HTTP/1.1 200 X\r\n\r\n", *[b"a" * 50_000] * 100)
    site.pages["/exact"] = reply(body=b"a" * 100_000)
    assert (await site.refusal("/declared")).code == "source_too_large"
    assert (await site.refusal("/endless")).code == "source_too_large"
    assert len((await site.get("/exact")).data) == 100_000


async def test_gzip_is_opened_within_the_limit(site: Site) -> None:
    site.pages["/x"] = reply(body=gzip.compress(b"oi" * 40_000), Content_Encoding="gzip")
    site.pages["/bomb"] = reply(body=gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    site.pages["/stored"] = reply(body=gzip.compress(bytes(50_000_000)) * 3, Content_Encoding="GZIP")
    assert (await site.get("/x")).data == b"oi" * 40_000
    assert (await site.refusal("/bomb")).code == "source_too_large"
    assert (await site.refusal("/stored")).code == "source_too_large"


async def test_broken_or_unasked_compression_is_said_so(site: Site) -> None:
    packed = gzip.compress(b"oi" * 999)
    site.pages["/short"] = reply(body=packed[:-12], Content_Encoding="gzip")
    site.pages["/junk"] = reply(body=b"junk", Content_Encoding="gzip")
    site.pages["/br"] = reply(body=zlib.compress(b"oi"), Content_Encoding="br")
    site.pages["/twice"] = reply(body=gzip.compress(packed), Content_Encoding="gzip, gzip")
    assert (await site.refusal("/short")).code == "source_unavailable"
    assert (await site.refusal("/junk")).code == "source_unavailable"
    assert (await site.refusal("/br")).code == "source_encoding"
    assert (await site.refusal("/twice")).code == "source_encoding"


async def test_a_slow_drip_meets_the_deadline(site: Site) -> None:
    site.pages["/x"] = raw(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n", *[b"a"] * 1_000, pause=0.05)
    site.pages["/silent"] = raw(b"", pause=30)
    for path in ("/x", "/silent"):
        error = await site.refusal(path, timeout_seconds=0.4)
        assert (error.code, error.retryable) == ("source_timeout", True)


@pytest.mark.parametrize(
    "answer",
    [
        raw(b""),
        raw(b"not http at all\r\n\r\n"),
        raw(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nabc"),
        raw(b"HTTP/1.1 200 X\r\nContent-Length: x\r\n\r\n"),
        raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 200 X\r\n" + b"A: " + b"b" * 500_000),
    ],
)
async def test_garbage_is_an_unavailable_source(site: Site, answer: Answer) -> None:
    site.pages["/x"] = answer
    error = await site.refusal("/x")
    assert (error.code, error.retryable) == ("source_unavailable", True)


async def test_nobody_listening_is_worth_a_retry(site: Site) -> None:
    url = site.url("/x")
    limits = site.limits()
    spare = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = spare.sockets[0].getsockname()[1]
    spare.close()
    await spare.wait_closed()
    with pytest.raises(JobError) as refusal:
        await fetch(
            url.replace(str(site.port), str(port)),
            limits=FetchLimits(allowed_hosts=frozenset({f"127.0.0.1:{port}"})),
        )
    assert (refusal.value.code, refusal.value.retryable) == ("source_unavailable", True)
    assert limits.max_redirects == 5


async def test_proxies_of_the_environment_are_ignored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    site.pages["/x"] = reply(body=b"oi")
    assert (await site.get("/x")).data == b"oi"


async def test_tls_is_asked_for_the_original_name(site: Site) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]

    async def loopback(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with server:
        limits = FetchLimits(allowed_hosts=frozenset({f"site.example:{port}"}), timeout_seconds=5)
        with pytest.raises(JobError, match="source_unavailable"):
            await fetch(f"https://site.example:{port}/", limits=limits, resolver=loopback)
    assert asked == ["site.example"]
