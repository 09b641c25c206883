"""The only door to hosts that somebody else named: sources to fetch, webhooks to call.

A URL is refused unless it is plain http(s) to a public address. The address that was checked is the one
connected to, so a name that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import httpx
import idna

from core.errors import JobError

MAX_URL = 2_048
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]

_PORTS = {"http": 80, "https": 443}
_STRANGE = re.compile(
    r"[\x00-\x20\x7f-\xa0\\<>\"^`{|}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.DOTALL)
_PRIVATE_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion")

# Ranges that Python's `is_global` lets through, by the registries of IANA, and Azure's metadata host.
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        *(
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "168.63.129.16/32",
        ),
        *("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"),
    )
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all public IPv6 lives here: mapped, NAT64, ULA do not
# Even an allow-listed name may not lead to these.
_NEVER_AT_ALL = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "224.0.0.0/3", "fe80::/10", "ff00::/8")
)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked: `host` in ASCII, lower case, without brackets or a final dot."""

    scheme: str
    host: str
    port: int


class AllowList:
    """Private hosts that the operator opened: `host` on the standard ports, `host:port` on that port."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._places = frozenset(place for entry in entries for place in _places(entry))

    def opens(self, target: Target) -> bool:
        """True when `target` is exempt from the rules of ports and private addresses."""
        return (target.host, target.port) in self._places


def _places(entry: str) -> list[tuple[str, int]]:
    parts = urlsplit(f"//{entry.strip().lower()}")
    host = (parts.hostname or "").rstrip(".")
    return [(host, port) for port in ([parts.port] if parts.port else _PORTS.values())]


def check_url(url: str, allowed: AllowList) -> Target:
    """What `url` points at, judged by its spelling alone. Raises JobError `url_not_allowed`."""
    if len(url) > MAX_URL or _STRANGE.search(url):
        raise _refused("it is too long or has characters that do not belong in a URL")
    try:
        parts = urlsplit(url)
        port = _PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
        host = _ascii_host(parts.hostname or "")
        other = httpx.URL(url)
        agreed = (_ascii_host(other.host), other.port or _PORTS.get(other.scheme)) == (host, port)
    except (ValueError, httpx.InvalidURL, idna.IDNAError) as error:
        raise _refused("it cannot be understood") from error
    if parts.scheme not in _PORTS or not url.lower().startswith(f"{parts.scheme}://"):
        raise _refused("only http and https are")
    if "@" in parts.netloc or parts.netloc.endswith(":"):
        raise _refused("it carries a user name, a password or an empty port")
    if not agreed:
        raise _refused("it can be read in two ways")
    target = Target(parts.scheme, host, port)
    _check_host(target, allowed)
    return target


def _ascii_host(host: str) -> str:
    """IDNA 2008 without any mapping: full-width digits, circled letters and the like are refused."""
    host = host.lower().removesuffix(".")
    return host if host.isascii() else idna.encode(host).decode()


def _check_host(target: Target, allowed: AllowList) -> None:
    host = target.host
    if allowed.opens(target):
        return
    if target.port != _PORTS[target.scheme]:
        raise _refused("only the standard ports 80 and 443 are")
    if address := _literal(host):
        _check_address(address, opened=False)
    elif not _NAME.fullmatch(host) or _ENDS_IN_NUMBER.fullmatch(host):
        raise _refused("its host is not a proper name or address")
    elif "." not in host or host.endswith(tuple(f".{name}" for name in _PRIVATE_NAMES)):
        raise _refused("its host is a private name")


def _literal(host: str) -> Address | None:
    """The address a host is; none with a zone, which names an interface of the machine that asks."""
    with suppress(ValueError):
        return ipaddress.ip_address(host) if "%" not in host else None
    return None


def _check_address(address: Address, *, opened: bool) -> None:
    if opened:
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in _NEVER_AT_ALL):
            raise _refused("its host is never a source, even when it is on the allow-list")
    elif not is_public(address):
        raise _refused("its host is not on the public internet")


def is_public(address: Address) -> bool:
    """True for a global unicast address that leads inside nobody's network: no mapping, tunnel, metadata."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in _NEVER_PUBLIC)


async def resolve_by_system(host: str, port: int) -> list[str]:
    """All addresses the system's resolver knows for `host`. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def resolve(
    target: Target, allowed: AllowList, resolver: Resolver = resolve_by_system
) -> list[Address]:
    """Every address of `target`, each of them checked: one that is not public spoils them all.

    Raises JobError `url_not_allowed`, or `source_unavailable` (retryable) when the name has no address.
    """
    literal = _literal(target.host)
    try:
        names = [] if literal else await resolver(target.host, target.port)
        addresses = [literal] if literal else [ipaddress.ip_address(name) for name in dict.fromkeys(names)]
    except (OSError, ValueError) as error:
        raise _nowhere() from error
    for address in addresses:
        _check_address(address, opened=allowed.opens(target))
    if not addresses:
        raise _nowhere()
    return addresses


@cache
def _trust() -> ssl.SSLContext:
    """Built once: reading the certificates takes longer than a request. `SSL_CERT_FILE` is honoured."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that connects only to addresses `resolve` let through; Host and SNI stay original.

    No proxy, no redirects, no connection kept: each request is checked anew.
    """

    def __init__(self, allowed: AllowList, *, resolver: Resolver = resolve_by_system) -> None:
        self._allowed = allowed
        self._resolver = resolver
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=_trust(), trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers `request` from the first address that accepts a connection."""
        target = check_url(str(request.url), self._allowed)
        addresses = await resolve(target, self._allowed, self._resolver)
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._inner.handle_async_request(_pinned(request, target, address))
        return await self._inner.handle_async_request(_pinned(request, target, addresses[-1]))

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._inner.aclose()


def _pinned(request: httpx.Request, target: Target, address: Address) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": target.host},
    )


def _refused(why: str) -> JobError:
    return JobError("url_not_allowed", f"This address is not allowed: {why}.")


def _nowhere() -> JobError:
    return JobError("source_unavailable", "The host of this address was not found.", retryable=True)
