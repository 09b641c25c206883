"""Word documents from their XML: body order, headings by style, lists, tables; nothing deleted or hidden.

python-docx is not used: it drops content controls, and its table cells cost quadratic time.
"""

import re
import zipfile
from collections.abc import Iterator

from lxml import etree

from worker_service.documents.archive import open_archive
from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.extract.tables import table_blocks

_MAIN_PART = re.compile(r"word/document\d*\.xml")
_STYLE_NAME = re.compile(r"heading ([1-9])|title|subtitle|(list .*)", re.IGNORECASE)
_DEEPEST = 6
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "footnoteReference"})
_SPACES = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}

Styles = dict[str, tuple[Kind, int]]


def extract(data: bytes) -> Extracted:
    """The blocks of a .docx; its title is the paragraph of style Title, else the document's property."""
    with open_archive(data) as archive:
        name = next(name for name in archive.namelist() if _MAIN_PART.fullmatch(name))
        body = next(child for child in _parse(archive, name) if _tag(child) == "body")
        styles = _styles(archive)
        blocks = tuple(_blocks(body, styles))
        return Extracted(_title(body, styles) or _title_property(archive), blocks)


def _parse(archive: zipfile.ZipFile, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    return etree.fromstring(archive.read(name), parser)


def _tag(element: etree._Element) -> str:
    """The local name: transitional and strict OOXML differ only in namespaces."""
    return str(element.tag).rpartition("}")[2]


def _value(element: etree._Element, *path: str) -> str | None:
    """The `val` of the descendant at `path` of local names; '' when it has none; None when it is absent."""
    for name in path:
        found = next((child for child in element if _tag(child) == name), None)
        if found is None:
            return None
        element = found
    return _attribute(element, "val")


def _styles(archive: zipfile.ZipFile) -> Styles:
    """Style ids are translated by Word, style names are not: `Ttulo1` is called `heading 1`."""
    if "word/styles.xml" not in archive.namelist():
        return {}
    styles: Styles = {}
    for style in _parse(archive, "word/styles.xml"):
        found = _STYLE_NAME.fullmatch(_value(style, "name") or "")
        if not found or not (identity := _attribute(style, "styleId")):
            continue
        if found[2]:
            styles[identity] = (Kind.LIST_ITEM, 0)
        elif found[1]:
            styles[identity] = (Kind.HEADING, min(int(found[1]), _DEEPEST))
        else:
            styles[identity] = (Kind.HEADING, 1) if found[0].lower() == "title" else (Kind.PARAGRAPH, 0)
    return styles


def _attribute(element: etree._Element, name: str) -> str:
    found = (value for key, value in element.items() if str(key).rpartition("}")[2] == name)
    return str(next(found, ""))


def _role(paragraph: etree._Element, styles: Styles) -> tuple[Kind, int]:
    properties = next((child for child in paragraph if _tag(child) == "pPr"), None)
    if properties is None:
        return Kind.PARAGRAPH, 0
    level = _value(properties, "outlineLvl")
    if level and level.isdigit() and int(level) < _DEEPEST:
        return Kind.HEADING, int(level) + 1
    role = styles.get(_value(properties, "pStyle") or "", (Kind.PARAGRAPH, 0))
    if role[0] is Kind.PARAGRAPH and _value(properties, "numPr") is not None:
        return Kind.LIST_ITEM, 0
    return role


def _blocks(parent: etree._Element, styles: Styles) -> Iterator[Block]:
    for child in parent:
        tag = _tag(child)
        if tag == "p":
            kind, level = _role(child, styles)
            for line in _text(child).split("\n") if kind is Kind.PARAGRAPH else [_text(child)]:
                if text := " ".join(line.split()):
                    yield Block(kind, text, level)
        elif tag == "tbl":
            yield from table_blocks([list(_cells(row)) for row in _descend(child, "tr")])
        elif tag not in _SKIPPED:
            yield from _blocks(child, styles)


def _descend(parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
    """Children called `wanted`, also through content controls and inserted revisions."""
    for child in parent:
        if (tag := _tag(child)) == wanted:
            yield child
        elif tag in {"sdt", "sdtContent", "ins", "customXml"}:
            yield from _descend(child, wanted)


def _cells(row: etree._Element) -> Iterator[str]:
    for cell in _descend(row, "tc"):
        properties = next((child for child in cell if _tag(child) == "tcPr"), None)
        span = (_value(properties, "gridSpan") or "1") if properties is not None else "1"
        yield " ".join(_text(paragraph) for paragraph in _paragraphs(cell))
        for _ in range(min(int(span), 50) - 1 if span.isdigit() else 0):
            yield ""


def _paragraphs(cell: etree._Element) -> Iterator[etree._Element]:
    return (element for element in cell.iterdescendants() if _tag(element) == "p")


def _text(element: etree._Element) -> str:
    pieces: list[str] = []
    for child in element:
        tag = _tag(child)
        if tag == "t":
            pieces.append(child.text or "")
        elif tag in _SPACES:
            pieces.append(_SPACES[tag])
        elif tag not in _SKIPPED and not _is_vanished(child, tag):
            pieces.append(_text(child))
    return "".join(pieces)


def _is_vanished(element: etree._Element, tag: str) -> bool:
    return tag == "r" and _value(element, "rPr", "vanish") in {"", "1", "true", "on"}


def _title(body: etree._Element, styles: Styles) -> str | None:
    titles = (child for child in body if _tag(child) == "p" and _role(child, styles) == (Kind.HEADING, 1))
    return next((" ".join(text.split()) for title in titles if (text := _text(title)).strip()), None)


def _title_property(archive: zipfile.ZipFile) -> str | None:
    if "docProps/core.xml" not in archive.namelist():
        return None
    values = (child.text for child in _parse(archive, "docProps/core.xml") if _tag(child) == "title")
    return next((value.strip() for value in values if value and value.strip()), None)
