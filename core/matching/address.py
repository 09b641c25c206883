"""E-mail addresses: capitals and Unicode forms are one mailbox; a `+tag` or a dot may be another's."""

import re
import unicodedata

import idna

from core.matching.unmatchable import Unmatchable

MAX_LENGTH = 254
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,64}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def email_key(value: str) -> str:
    """NFC, the local part casefolded, the domain in ASCII (IDNA 2008, UTS 46). Raises Unmatchable."""
    local, _, domain = unicodedata.normalize("NFC", value.strip()).rpartition("@")
    if len(value) > MAX_LENGTH or not _LOCAL.fullmatch(local):
        raise Unmatchable("this is not an e-mail address")
    return f"{unicodedata.normalize('NFC', local.casefold())}@{_domain(domain)}"


def _domain(name: str) -> str:
    try:
        ascii_name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        ascii_name = ""
    labels = ascii_name.removesuffix(".").split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004 - a name and its top level
        raise Unmatchable("this is not an e-mail address: its domain is not a name")
    return ".".join(labels)
