"""The one text that chunks, citations and later versions point into: equal documents, equal characters."""

import unicodedata
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.questions import join_questions

MAX_TITLE = 300
_TOGETHER = frozenset({Kind.LIST_ITEM, Kind.TABLE_ROW})
_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_JUNK_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Cn"})
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


class Span(NamedTuple):
    """A block's place: `text[start:end]`, in code points."""

    kind: Kind
    start: int
    end: int
    level: int
    page: int | None


class Section(NamedTuple):
    """A heading: its level (1-6), its words and where it stands."""

    level: int
    title: str
    start: int


class CanonicalDocument(NamedTuple):
    """Normalised text with the places of its blocks; blocks never overlap and are in order."""

    text: str
    title: str
    outline: tuple[Section, ...]
    spans: tuple[Span, ...]


class _Table(dict[int, str]):
    """What each character becomes, found out once per character met."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replacement(chr(code))
        return replacement


def _replacement(character: str) -> str:
    if character in _BREAKS:
        return "\n"
    category = unicodedata.category(character)
    if character == "\t" or category == "Zs":
        return " "
    hidden = any(ord(character) in selectors for selectors in _VARIATION_SELECTORS)
    return "" if hidden or category in _JUNK_CATEGORIES else character


_TABLE = _Table()


def clean(text: str) -> str:
    """`text` in NFC with LF lines, single spaces and no blank lines; nothing invisible remains.

    Control, zero-width, bidirectional and tag characters, surrogates and unassigned code points are dropped.
    """
    visible = unicodedata.normalize("NFC", text.replace("\r\n", "\n").translate(_TABLE))
    lines = (" ".join(line.split()) for line in visible.split("\n"))
    return "\n".join(line for line in lines if line)


def canonicalize(extracted: Extracted, *, title: str | None, source: str | None) -> CanonicalDocument:
    """The canonical form of `extracted`.

    Its title is the caller's, else the document's own, else its first heading of level 1, else the name at
    the end of `source` (a path or URL).
    """
    cleaned = (block._replace(text=clean(block.text)) for block in extracted.blocks)
    blocks = join_questions([block for block in cleaned if block.text])
    text, spans = _lay_out(blocks)
    outline = tuple(
        Section(span.level, _one_line(text[span.start : span.end]), span.start)
        for span in spans
        if span.kind is Kind.HEADING
    )
    candidates = (title, extracted.title, _first_heading(outline), _name(source))
    found = next((line for candidate in candidates if candidate and (line := _one_line(candidate))), "")
    return CanonicalDocument(text, found, outline, spans)


def _lay_out(blocks: list[Block]) -> tuple[str, tuple[Span, ...]]:
    pieces: list[str] = []
    spans: list[Span] = []
    position = 0
    previous: Kind | None = None
    for block in blocks:
        if previous:
            gap = "\n" if previous is block.kind and block.kind in _TOGETHER else "\n\n"
            pieces.append(gap)
            position += len(gap)
        pieces.append(block.text)
        spans.append(Span(block.kind, position, position + len(block.text), block.level, block.page))
        position += len(block.text)
        previous = block.kind
    return "".join(pieces), tuple(spans)


def _one_line(text: str) -> str:
    return clean(text).replace("\n", " ")[:MAX_TITLE].strip()


def _first_heading(outline: tuple[Section, ...]) -> str | None:
    return next((section.title for section in outline if section.level == 1), None)


def _name(source: str | None) -> str | None:
    path = PurePosixPath(unquote(urlsplit(source).path if source and "://" in source else source or ""))
    return path.stem.replace("_", " ").replace("-", " ") or None
