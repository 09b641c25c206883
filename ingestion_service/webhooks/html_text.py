"""The words of a mail written in HTML. Pure."""

import re

from lxml import etree

MAX_HTML = 400_000
_SILENT = {"script", "style", "head", "title", "template"}
_BLANKS = re.compile(r"\s+")
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "table"}


def text_of_html(html: str) -> str:
    """The text, a line for each block; quotations are marked as plain text marks them."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(html[:MAX_HTML].encode(errors="replace"), parser)
    except (etree.LxmlError, ValueError):  # there is nothing in it
        return ""
    return "" if root is None else "".join(_Words().of(root))


class _Words:
    """Walks a document once, without recursion."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._silence = 0
        self._quotes = 0

    def of(self, root: etree._Element) -> list[str]:
        """What it says, in pieces."""
        for event, element in etree.iterwalk(root, events=("start", "end")):
            step = 1 if event == "start" else -1
            self._silence += step * (element.tag in _SILENT)
            self._quotes += step * (element.tag == "blockquote")
            if element.tag in _BREAKS:
                self._pieces.append("\n> " if self._quotes else "\n")
            self._say(element.text if event == "start" else element.tail)
        return self._pieces

    def _say(self, words: str | None) -> None:
        if words and not self._silence:
            self._pieces.append(_BLANKS.sub(" ", words))
