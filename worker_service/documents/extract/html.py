"""What a reader sees of a web page: its main text, headings, lists and tables; not its menus and scripts."""

import re
from collections.abc import Iterator

from lxml import etree

from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.extract.decoding import decode
from worker_service.documents.extract.tables import table_blocks

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    "script style noscript template nav footer aside svg math canvas iframe object embed audio video "
    "select button input textarea datalist dialog head map".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HIDDEN_ROLES = frozenset({"navigation", "contentinfo", "search", "menu", "menubar"})
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_SPAN = re.compile(r"[1-9][0-9]{0,3}")
_MAX_SPAN = 50


def extract(data: bytes) -> Extracted:
    """The visible blocks of a page in reading order; only its `<main>` when it has exactly one."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    root = etree.fromstring(_text(data).encode("utf-8", "replace"), parser)
    if root is None:
        return Extracted(None, ())
    titles, mains = root.findall(".//title"), root.findall(".//main")
    title = " ".join("".join(map(str, titles[0].itertext())).split()) if titles else ""
    top = mains[0] if len(mains) == 1 else root
    return Extracted(title or None, tuple(_Walker().walk(top)))


def _text(data: bytes) -> str:
    """A declared encoding is believed only when the bytes are not UTF-8 already."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _META_CHARSET.search(data[:4096])
    try:
        return data.decode(declared[1].decode()) if declared else decode(data)
    except (LookupError, UnicodeDecodeError):
        return decode(data)


def _is_hidden(element: etree._Element) -> bool:
    get = element.get
    return (
        element.tag in _SKIPPED
        or get("hidden") is not None
        or get("aria-hidden") == "true"
        or get("role") in _HIDDEN_ROLES
        or bool(_HIDDEN_STYLE.search(get("style") or ""))
    )


class _Walker:
    """Collects inline text until a block element ends, then emits it with the role of its innermost block."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._inline: list[str] = []

    def walk(self, top: etree._Element) -> list[Block]:
        self._children(top, Kind.PARAGRAPH, 0)
        self._flush(Kind.PARAGRAPH, 0)
        return self._blocks

    def _children(self, element: etree._Element, kind: Kind, level: int) -> None:
        self._inline.append(element.text or "")
        for child in element:
            self._element(child, kind, level)
            self._inline.append(child.tail or "")

    def _element(self, element: etree._Element, kind: Kind, level: int) -> None:
        tag = element.tag
        if _is_hidden(element):
            return
        if tag in _INLINE:
            self._children(element, kind, level)
        elif tag == "br":
            self._line_break(kind, level)
        elif tag == "img":
            self._inline.append(f" {element.get('alt') or ''} ")
        else:
            self._flush(kind, level)
            self._block(element, kind, level)

    def _line_break(self, kind: Kind, level: int) -> None:
        if level:
            self._inline.append(" ")
        else:
            self._flush(kind, level)

    def _block(self, element: etree._Element, kind: Kind, level: int) -> None:
        tag = str(element.tag)
        if tag == "table" and _is_data_table(element):
            self._blocks += table_blocks(list(_rows(element)), header=_has_header(element))
            return
        if tag in _HEADINGS:
            kind, level = Kind.HEADING, _HEADINGS[tag]
        elif tag == "li":
            kind = Kind.LIST_ITEM
        self._children(element, kind, level)
        self._flush(kind, level)

    def _flush(self, kind: Kind, level: int) -> None:
        text = " ".join("".join(self._inline).split())
        self._inline.clear()
        if text:
            self._blocks.append(Block(kind, text, level))


def _is_data_table(table: etree._Element) -> bool:
    """A table around other tables, headings or lists is layout."""
    return next(table.iterdescendants("table", "h1", "h2", "h3", "ul", "ol"), None) is None


def _has_header(table: etree._Element) -> bool | None:
    first = next(table.iterdescendants("tr"), None)
    if first is None:
        return None
    return True if first.find("td") is None and first.find("th") is not None else None


def _rows(table: etree._Element) -> Iterator[list[str]]:
    """Cells by column, with cells that span rows or columns repeated where they reach."""
    pending: dict[int, tuple[int, str]] = {}
    for row in table.iterdescendants("tr"):
        cells: list[str] = []
        own = [cell for cell in row if cell.tag in {"td", "th"} and not _is_hidden(cell)]
        for cell in own:
            _repeat_pending(cells, pending)
            text = " ".join(block.text for block in _Walker().walk(cell))
            for _ in range(_span(cell, "colspan") if len(own) > 1 else 1):
                if (down := _span(cell, "rowspan")) > 1:
                    pending[len(cells)] = (down - 1, text)
                cells.append(text)
        _repeat_pending(cells, pending)
        yield cells


def _repeat_pending(cells: list[str], pending: dict[int, tuple[int, str]]) -> None:
    while (column := len(cells)) in pending:
        rows_left, text = pending.pop(column)
        if rows_left > 1:
            pending[column] = (rows_left - 1, text)
        cells.append(text)


def _span(cell: etree._Element, name: str) -> int:
    value = cell.get(name) or ""
    return min(int(value), _MAX_SPAN) if _SPAN.fullmatch(value) else 1
