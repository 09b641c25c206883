import ipaddress
from collections.abc import Awaitable, Callable

import pytest

from core.errors import JobError
from core.netguard import AllowList, Target, check_url, is_public, resolve
from tests.core.refused_urls import REFUSED

NOBODY = AllowList()


@pytest.mark.parametrize("url", REFUSED)
def test_refused(url: str) -> None:
    url = url.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
    with pytest.raises(JobError) as refusal:
        check_url(url, NOBODY)
    assert refusal.value.code == "url_not_allowed"
    assert not refusal.value.retryable


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(set(REFUSED)) >= 150


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://example.com", "example.com", 80),
        ("HTTPS://EXAMPLE.com:443/a?b=c&d=%20#e", "example.com", 443),
        ("https://example.com./x", "example.com", 443),
        ("https://pt.wikipedia.org/wiki/A%C3%A7%C3%A3o", "pt.wikipedia.org", 443),
        ("https://example.com/ação?q=é@b", "example.com", 443),
        ("https://açaí.example/", "xn--aa-4iaz.example", 443),
        ("https://xn--aa-4iaz.example/", "xn--aa-4iaz.example", 443),
        ("http://8.8.8.8/", "8.8.8.8", 80),
        ("http://example.com#@127.0.0.1:8080/@", "example.com", 80),
        ("http://[2606:4700::1111]/", "2606:4700::1111", 80),
        ("http://my_host.example/", "my_host.example", 80),
        ("http://127.0.0.1.nip.example/", "127.0.0.1.nip.example", 80),
        ("http://1password.com/", "1password.com", 80),
    ],
)
def test_accepted(url: str, host: str, port: int) -> None:
    target = check_url(url, NOBODY)
    assert (target.host, target.port) == (host, port)


def test_the_allow_list_opens_hosts_and_ports() -> None:
    allowed = AllowList(["wiki", " Intranet.Local:8080 ", "10.0.0.5:81", "[::1]:9000", "localhost."])
    for url in (
        *("http://wiki/", "https://WIKI./a", "http://intranet.local:8080/", "http://10.0.0.5:81/"),
        *("http://[::1]:9000/", "http://localhost/"),
    ):
        check_url(url, allowed)
    for url in (
        *(
            "http://wiki:8080/",
            "http://intranet.local/",
            "http://10.0.0.5/",
            "http://10.0.0.6:81/",
            "http://[::1]/",
        ),
        *("http://u@wiki/", "file://wiki/"),
    ):
        with pytest.raises(JobError, match="url_not_allowed"):
            check_url(url, allowed)


def names(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolver(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolver


SITE = Target("https", "site.example", 443)


async def test_public_names_resolve_to_every_checked_address() -> None:
    found = await resolve(SITE, NOBODY, names("8.8.8.8", "2606:4700::1111", "8.8.8.8"))
    assert list(map(str, found)) == ["8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("8.8.8.8", "10.0.0.1"),
        ("8.8.8.8", "::1"),
        ("169.254.169.254",),
        ("::ffff:10.0.0.1",),
        ("64:ff9b::a00:1",),
        ("fe80::1%eth0",),
    ],
)
async def test_one_private_address_spoils_a_name(addresses: tuple[str, ...]) -> None:
    with pytest.raises(JobError, match="url_not_allowed"):
        await resolve(SITE, NOBODY, names(*addresses))


async def test_an_opened_name_may_be_private_but_never_metadata() -> None:
    opened = AllowList(["site.example"])
    assert await resolve(SITE, opened, names("10.0.0.1", "::1"))
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"):
        with pytest.raises(JobError, match="url_not_allowed"):
            await resolve(SITE, opened, names("10.0.0.1", address))


async def test_a_name_that_leads_nowhere_is_worth_a_retry() -> None:
    async def failing(_host: str, _port: int) -> list[str]:
        raise OSError

    for resolver in (failing, names()):
        with pytest.raises(JobError) as refusal:
            await resolve(SITE, NOBODY, resolver)
        assert (refusal.value.code, refusal.value.retryable) == ("source_unavailable", True)


@pytest.mark.parametrize("address", ["1.1.1.1", "200.160.2.3", "2001:12ff:0:2::3", "2a00:1450::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
