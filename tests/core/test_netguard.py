import ipaddress
from collections.abc import Awaitable, Callable

import pytest

from core.errors import JobError
from core.netguard import AllowList, Target, check_url, is_public, resolve

NOBODY = AllowList()

REFUSED = """
file:///etc/passwd
FILE:///etc/passwd
ftp://example.com/
gopher://example.com:70/_x
dict://example.com/
ldap://example.com/
data:text/html,oi
javascript:alert(1)
jar:http://example.com!/
ws://example.com/
blob:http://example.com/
view-source:http://example.com/
//example.com/
/etc/passwd
example.com
http:example.com
http:/example.com
http:///example.com
https:////example.com
http://
https://
http://?
http://#
http://:80/
http://.
http://..
http://.example.com/
http://example..com/
http://example.com:/
http://example.com:8080/
http://example.com:443/
https://example.com:80/
http://example.com:22/
http://example.com:6379/
http://example.com:0/
http://example.com:65536/
http://example.com:-80/
http://example.com:80a/
http://example.com:80:80/
http://example.com:\uff18\uff10/
http://user@example.com/
http://user:pass@example.com/
http://:@example.com/
http://@example.com/
http://example.com@127.0.0.1/
http://127.0.0.1@example.com/
http://example.com%40127.0.0.1/
http://a@b@example.com/
http://example.com\\@127.0.0.1/
http://127.0.0.1\\.example.com/
http:\\\\127.0.0.1\\
http://exa mple.com/
http://example.com\t/
http://exam\nple.com/
http://example.com\r\nHost: x/
 http://example.com/
http://example.com/\x00
http://example.com/\x7f
http://exam\u200bple.com/
http://example.com\u202e/
http://\ufeffexample.com/
http://example.com/\ud800
http://<example.com>/
http://exa{m}ple.com/
http://exa|mple.com/
http://exa^mple.com/
http://example.com"/
http://exa`mple.com/
http://exam%70le.com/
http://%6c%6f%63%61%6c%68%6f%73%74/
http://127.0.0.1%00.example.com/
http://127.0.0.1%2f@example.com/
http://-example.com/
http://example-.com/
http://exa*mple.com/
http://exa$mple.com/
http://exa,mple.com/
http://exa;mple.com/
http://exa'mple.com/
http://exa!mple.com/
http://(example).com/
http://localhost/
http://LOCALHOST/
http://localhost./
http://localhost../
http://a.localhost/
http://a.LocalHost./
http://localhost.localdomain/
http://router/
http://redis/
http://postgres/
http://printer.local/
http://wiki.intranet/
http://metadata.google.internal/computeMetadata/v1/
http://metadata.google.internal./
http://nas.lan/
http://x.home.arpa/
http://abc.onion/
http://127.0.0.1/
http://127.0.0.1./
http://127.0.0.1../
http://127.1/
http://127.0.1/
http://127.127.127.127/
http://0/
http://0.0.0.0/
http://0.1.2.3/
http://2130706433/
http://3232235777/
http://017700000001/
http://0177.0.0.1/
http://0177.0.0.01/
http://00127.0.0.1/
http://127.0.0.01/
http://0x7f000001/
http://0x7f.0x0.0x0.0x1/
http://0x7f.1/
http://0X7F.0.0.1/
http://127.0.0.0x1/
http://0x/
http://1.2.3.4.5/
http://256.256.256.256/
http://999999999999/
http://4294967296/
http://1.1.1.1.nip.0x1/
http://example.1/
http://example.0x7f/
http://10.0.0.1/
http://10.255.255.255/
http://172.16.0.1/
http://172.31.255.255/
http://192.168.0.1/
http://169.254.169.254/latest/meta-data/
http://169.254.170.2/
http://168.63.129.16/
http://100.64.0.1/
http://100.100.100.200/
http://100.127.255.255/
http://192.0.0.1/
http://192.0.0.192/
http://192.0.2.1/
http://192.88.99.1/
http://198.18.0.1/
http://198.19.255.255/
http://198.51.100.1/
http://203.0.113.1/
http://224.0.0.1/
http://239.255.255.250/
http://240.0.0.1/
http://255.255.255.255/
http://[::1]/
http://[::1]:80/
http://[::]/
http://[0:0:0:0:0:0:0:1]/
http://[::127.0.0.1]/
http://[::ffff:127.0.0.1]/
http://[::ffff:7f00:1]/
http://[::ffff:0:127.0.0.1]/
http://[::ffff:8.8.8.8]/
http://[0:0:0:0:0:ffff:a9fe:a9fe]/
http://[64:ff9b::7f00:1]/
http://[64:ff9b::169.254.169.254]/
http://[64:ff9b::8.8.8.8]/
http://[64:ff9b:1::7f00:1]/
http://[2002:7f00:1::]/
http://[2002:a9fe:a9fe::1]/
http://[2001::1]/
http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/
http://[2001:db8::1]/
http://[2001:10::1]/
http://[3fff::1]/
http://[100::1]/
http://[fc00::1]/
http://[fd00:ec2::254]/
http://[fdff::1]/
http://[fe80::1]/
http://[fe80::1%25eth0]/
http://[fe80::1%eth0]/
http://[fec0::1]/
http://[ff02::1]/
http://[5f00::1]/
http://[4000::1]/
http://[::1
http://::1/
http://[::1]x/
http://[127.0.0.1]/
http://[v1.x]/
http://[]/
http://\uff11\uff12\uff17.0.0.1/
http://127。0。0。1/
http://127\uff0e0\uff0e0\uff0e1/
http://①②⑦.⓪.⓪.①/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/
http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/
http://ⓔxample.com/
http://exam\u00adple.com/
http://example.com\u2044x/
http://example.com\uff0fx/
http://example.com\uff20127.0.0.1/
http://example.com\uff1a8080/
http://xn--/
http://xn--a/
http://xn--\u00e9.com/
http://\u0300example.com/
""".strip("\n").split("\n")
REFUSED += ["http://example.com/" + "a" * 3_000, "http://" + "a" * 64 + ".com/", "", " ", "\n"]


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
