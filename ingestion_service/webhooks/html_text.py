"""The words of a mail written in HTML. Pure."""

import re
from html.parser import HTMLParser

MAX_HTML = 400_000
_TAG = re.compile(r"<[^<>]{0,2000}>")
_SILENT = {"script", "style", "head", "title", "template"}
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "table"}


def text_of_html(html: str) -> str:
    """The text, a line for each block; quotations are marked as plain text marks them."""
    reader = _Reader()
    try:
        reader.feed(html[:MAX_HTML])
        reader.close()
    except (AssertionError, ValueError):  # the parser's way to say that a declaration is malformed
        return _TAG.sub(" ", html[:MAX_HTML])
    return "".join(reader.pieces)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silence = 0
        self._quotes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silence += tag in _SILENT
        self._quotes += tag == "blockquote"
        if tag in _BREAKS:
            self.pieces.append("\n" + "> " * bool(self._quotes))

    def handle_endtag(self, tag: str) -> None:
        self._silence = max(0, self._silence - (tag in _SILENT))
        self._quotes = max(0, self._quotes - (tag == "blockquote"))
        if tag in _BREAKS:
            self.pieces.append("\n" + "> " * bool(self._quotes))

    def handle_data(self, data: str) -> None:
        if not self._silence:
            self.pieces.append(" ".join(data.split()) + " " * data[-1:].isspace())
