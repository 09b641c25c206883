"""Markdown's blocks (CommonMark's common part plus pipe tables); of inline marks only the text stays."""

import re
from collections.abc import Callable

from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.extract.decoding import decode
from worker_service.documents.extract.tables import table_blocks

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^(?:title|t[íi]tulo):[ \t]*(.+)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"[ \t]*(```|~~~)")
_ATX = re.compile(r" {0,3}(#{1,6})(?=\s|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_TABLE_RULE = re.compile(r"\|?[ \t]{0,9}:?-+:?[ \t]{0,9}(?:\|[ \t]{0,9}:?-+:?[ \t]{0,9})*\|?")
_CELL_EDGE = re.compile(r"(?<!\\)\|")
_QUOTE = re.compile(r"\A(?: {0,3}>[ \t]?)+")
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)"), r"\1"),
    (re.compile(r"!?\[([^\[\]\n]+)\]\[[^\[\]\n]*\]"), r"\1"),
    (re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>"), ""),
    (re.compile(r"`{1,3}([^`\n]+)`{1,3}"), r"\1"),
    (re.compile(r"(\*\*|__|~~)(?=\S)([^\n]{0,500}?\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]*?\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|>~-])"), r"\1"),
)


def extract(data: bytes) -> Extracted:
    """The blocks of a Markdown file; its title is the front matter's."""
    text = _COMMENT.sub("", decode(data).replace("\r\n", "\n").replace("\r", "\n"))
    front = _FRONT_MATTER.match(text)
    title = _FRONT_TITLE.search(front[1]) if front else None
    reader = _Reader()
    for line in text[front.end() if front else 0 :].split("\n"):
        reader.feed(line)
    reader.flush()
    return Extracted(title[1].strip("\"' ") if title else None, tuple(reader.blocks))


def inline(text: str) -> str:
    """`text` without emphasis, code and link marks."""
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


class _Reader:
    """Lines in, blocks out; the open block waits in `_lines` until the next line says it has ended."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._lines: list[str] = []
        self._kind = Kind.PARAGRAPH
        self._fence: str | None = None
        self._table = False

    def feed(self, line: str) -> None:
        if self._in_fence(line):
            return
        line = _QUOTE.sub("", line)
        steps: tuple[Callable[[str], bool], ...] = (
            self._blank, self._heading, self._table_row, self._setext, self._item,
        )  # fmt: skip
        if not any(step(line) for step in steps):
            self._lines.append(line)

    def flush(self) -> None:
        if self._table:
            self.blocks += table_blocks([_cells(line) for line in self._lines], header=True)
        elif text := inline(" ".join(self._lines)):
            self.blocks.append(Block(self._kind, text))
        self._lines, self._kind, self._table = [], Kind.PARAGRAPH, False

    def _in_fence(self, line: str) -> bool:
        if self._fence:
            if line.strip().startswith(self._fence):
                self._fence = None
            elif line.strip():
                self.blocks.append(Block(Kind.PARAGRAPH, line.strip()))
            return True
        if fence := _FENCE.match(line):
            self.flush()
            self._fence = fence[1]
        return bool(fence)

    def _blank(self, line: str) -> bool:
        if blank := not line.strip() or (bool(_RULE.match(line)) and not self._underlines(line)):
            self.flush()
        return blank

    def _underlines(self, line: str) -> re.Match[str] | None:
        return _SETEXT.match(line) if self._lines and self._kind is Kind.PARAGRAPH else None

    def _heading(self, line: str) -> bool:
        if atx := _ATX.match(line):
            self.flush()
            text = line[atx.end() :].strip().rstrip("#").rstrip()
            self.blocks.append(Block(Kind.HEADING, inline(text), len(atx[1])))
        return bool(atx)

    def _table_row(self, line: str) -> bool:
        if self._table:
            if "|" in line:
                self._lines.append(line)
                return True
            self.flush()
            return False
        if self._lines and "|" in self._lines[-1] and _TABLE_RULE.fullmatch(line.strip()):
            head = self._lines.pop()
            self.flush()
            self._lines, self._table = [head], True
            return True
        return False

    def _setext(self, line: str) -> bool:
        if not (rule := self._underlines(line)):
            return False
        text, self._lines = inline(" ".join(self._lines)), []
        self.blocks.append(Block(Kind.HEADING, text, 1 if rule[1][0] == "=" else 2))
        return True

    def _item(self, line: str) -> bool:
        if item := _ITEM.match(line):
            self.flush()
            self._lines, self._kind = [line[item.end() :]], Kind.LIST_ITEM
        return bool(item)


def _cells(line: str) -> list[str]:
    return [inline(cell) for cell in _CELL_EDGE.split(line.strip().strip("|"))]
