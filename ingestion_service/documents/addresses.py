"""Which addresses may be handed in.

The worker resolves names and decides again; what is plainly private or malformed is refused here at once,
while somebody is there to read the answer.
"""

import socket
import unicodedata
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from core.errors import DomainError

_SCHEMES = frozenset({"http", "https"})
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan")
_NAT64 = ip_network("64:ff9b::/96")
_IDEOGRAPHIC_STOP = "\u3002"  # IDNA reads it as a dot
_FORBIDDEN = frozenset(" \\<>\"'`{}|^\t\n")


class UrlNotAllowed(DomainError):
    """The address is malformed, not http or https, carries credentials, or is private."""

    code = "url_not_allowed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check_address(url: str, allowed_hosts: frozenset[str], *, pointer: str) -> str:
    """The address as it will be stored, without its fragment. Raises UrlNotAllowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlNotAllowed("this is not a web address", pointer=pointer) from None
    if reason := _shape_problem(url, parts):
        raise UrlNotAllowed(reason, pointer=pointer)
    host = unicodedata.normalize("NFKC", parts.hostname or "").replace(_IDEOGRAPHIC_STOP, ".").rstrip(".")
    if not {host, f"{host}:{port}"} & allowed_hosts and _is_private(host):
        raise UrlNotAllowed("addresses of private networks are not fetched", pointer=pointer)
    return parts._replace(fragment="").geturl()


def _shape_problem(url: str, parts: SplitResult) -> str | None:
    if parts.scheme not in _SCHEMES:
        return "only http and https addresses are fetched"
    if not parts.hostname or _FORBIDDEN & set(url):
        return "this is not a web address"
    if "@" in parts.netloc:
        return "an address may not carry a user name or a password"
    try:
        (parts.hostname if ":" not in parts.hostname else "x").encode("idna")
    except UnicodeError:
        return "the host name is not valid"
    return None


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(_LOCAL_SUFFIXES) or not host:
        return True
    literal = _literal(host)
    return literal is not None and not _is_global(literal)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The IP literal a host is, in any form that `connect` would take: 127.1, 0x7f000001, 2130706433."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not _is_global(inner):
            return False
    return address.is_global and not address.is_multicast
