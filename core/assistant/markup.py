"""Takes out of an answer whatever a browser or a chat window would fetch or follow.

A model that obeys a poisoned document can leak what it read in the address of an image. So markup is not
escaped but removed: images, HTML, and addresses whose host is not allowed; the words of a link stay.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

Replacement: TypeAlias = Callable[[re.Match[str]], str]

OMITTED = "(link omitido)"

_TARGET = r"\([^()]*(?:\([^()]*\)[^()]*)*\)"
_IMAGE = re.compile(rf"!\[[^\[\]]*\](?:{_TARGET}|\[[^\[\]]*\])?")
_LINK = re.compile(rf"\[([^\[\]]*)\]({_TARGET})")
_REFERENCE = re.compile(r"\[([^\[\]]*)\]\s?\[[^\[\]]*\]")
_DEFINITION = re.compile(r"^[ \t>]*\[[^\[\]]*\]:[^\n]*$", re.MULTILINE)
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.-]{1,31}:[^<>\s]*)>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z/!?][^<>]*>", re.IGNORECASE)
_OPENED = re.compile(r"<(?=[a-z/!?])|\]\s*(?=[(\[:])|!(?=\[)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,31}:)?//[^\s<>\"'`]+"
    r"|\b(?:javascript|vbscript|mailto|file|blob):[^\s<>\"'`]+|\bdata:[^\s,<>]{0,100}[;,/][^\s<>\"'`]*"
    r"|\bwww\.[^\s<>\"'`]+"
    r"|(?<![@\w.-])(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?[/?#][^\s<>\"'`]*",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?)]}»”…*_"
_BRACKETS = re.compile(r"[<>\[\]]")
_PASSES = 8


def plain(text: str, allowed_hosts: frozenset[str] = frozenset()) -> str:
    """`text` without invisible characters, images, HTML and links, but `https` ones to allowed hosts.

    Removing a thing may join its surroundings into another, hence the repetition; what is nested deeper
    than honest markup ever is loses its brackets. Linear in the length of `text`, whatever it holds.
    """
    cleaned = "".join(char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C")
    for _ in range(_PASSES):
        stripped = _without_markup(cleaned, allowed_hosts)
        if stripped == cleaned:
            return cleaned
        cleaned = stripped
    return _without_markup(_BRACKETS.sub("", cleaned), allowed_hosts)


def _without_markup(text: str, allowed_hosts: frozenset[str]) -> str:
    rules: tuple[tuple[re.Pattern[str], str | Replacement], ...] = (
        (_DEFINITION, ""),
        (_IMAGE, ""),
        (_LINK, lambda link: _words_of(link, allowed_hosts)),
        (_REFERENCE, r"\1"),
        (_AUTOLINK, r"\1"),
        (_TAG, ""),
        (_OPENED, ""),
    )
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return _ADDRESS.sub(lambda found: _kept(found[0], allowed_hosts), text)


def _words_of(link: re.Match[str], allowed_hosts: frozenset[str]) -> str:
    words, target = link[1], link[2][1:-1].split()
    return f"{words} {target[0]}" if target and _is_allowed(target[0], allowed_hosts) else words


def _kept(address: str, allowed_hosts: frozenset[str]) -> str:
    bare = address.rstrip(_TRAILING)
    tail = address[len(bare) :]
    return f"{bare if _is_allowed(bare, allowed_hosts) else OMITTED}{tail}"


def _is_allowed(address: str, allowed_hosts: frozenset[str]) -> bool:
    """Only plain `https` addresses: browsers and parsers disagree about backslashes and `@`."""
    if "\\" in address or "@" in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() == "https" and (parts.hostname or "") in allowed_hosts
