"""PDF text, page by page: words joined again over line ends, running headers and footers left out."""

import io
import re
from collections import Counter
from itertools import chain

from pypdf import PasswordType, PdfReader
from pypdf.errors import DependencyError, LimitReachedError

from core.errors import JobError
from worker_service.documents.extract.blocks import Block, Extracted
from worker_service.documents.extract.lines import Join, line_width, to_blocks

MAX_PAGES = 2_000
EDGE_LINES = 2
SURE_PAGES = 3
SURE_SHARE = 0.6
_PAGE_NUMBER = re.compile(
    r"(?:p[áa]g(?:ina|\.)?\s*)?[-–]?\s*\d{1,4}\s*[-–]?(?:\s*(?:de|/)\s*\d{1,4})?", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_COMPOUND = re.compile(r"\w+(?:-\w+)+")
_ENCLITICS = frozenset("feira se me te lo la los las lhe lhes nos vos o a os as no na mo ma".split())
_NO_TITLE = re.compile(
    r"untitled|sem t[íi]tulo|document\d*|microsoft (?:word|excel|powerpoint) - .*|.*\.(?:docx?|pdf)",
    re.IGNORECASE,
)

Pages = list[list[str]]


def extract(data: bytes) -> Extracted:
    """The blocks of a PDF with their pages. A scan has none: the caller says `document_empty`.

    Raises JobError `document_encrypted` when the empty password does not open it, `parser_limit` above
    2,000 pages or pypdf's own limits.
    """
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        pages = without_running_lines(_pages(reader))
    except LimitReachedError as error:
        raise JobError("parser_limit", "The document is too complex to be read within the limits.") from error
    join = _joiner(pages)
    width = line_width(list(chain.from_iterable(pages)))
    blocks = [to_blocks(lines, width=width, page=number, join=join) for number, lines in enumerate(pages, 1)]
    return Extracted(_title(reader), tuple(_across_pages(blocks, join)))


def _pages(reader: PdfReader) -> Pages:
    _unlock(reader)
    if len(reader.pages) > MAX_PAGES:
        raise JobError("parser_limit", f"The document has more than {MAX_PAGES} pages.")
    return [_lines(page.extract_text()) for page in reader.pages]


def _unlock(reader: PdfReader) -> None:
    try:
        locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
    except (DependencyError, NotImplementedError):
        locked = True
    if locked:
        raise JobError("document_encrypted", "The document is protected by a password.")


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def without_running_lines(pages: Pages) -> Pages:
    """`pages` without page numbers and lines at the edge of three pages and 60 % of all."""
    filled = [[line for line in page if line] for page in pages]
    seen = Counter(chain.from_iterable({_DIGITS.sub("#", line) for line in _edges(page)} for page in filled))
    enough = max(SURE_PAGES, SURE_SHARE * sum(map(bool, filled)))
    running = {line for line, times in seen.items() if times >= enough}

    def is_running(page: list[str], line: str) -> bool:
        return line in _edges(page) and (
            _DIGITS.sub("#", line) in running or bool(_PAGE_NUMBER.fullmatch(line))
        )

    return [
        [line for line in page if not line or not is_running(kept, line)]
        for page, kept in zip(pages, filled, strict=True)
    ]


def _edges(page: list[str]) -> list[str]:
    return page[:EDGE_LINES] + page[-EDGE_LINES:]


def _joiner(pages: Pages) -> Join:
    """How lines meet: a hyphen at a line's end goes, unless the compound is written so."""
    compounds = {word.lower() for page in pages for line in page for word in _COMPOUND.findall(line)}

    def join(left: str, right: str) -> str:
        head, tail = left.rpartition(" ")[2], right.split(" ", 1)[0].strip(".,;:!?)»”\"'").lower()
        if not left.endswith("-") or not right[0].islower() or not head[:-1].isalpha():
            return f"{left} {right}"
        if tail in _ENCLITICS or f"{head.lower()}{tail}" in compounds:
            return left + right
        return left[:-1] + right

    return join


def _across_pages(pages: list[list[Block]], join: Join) -> list[Block]:
    """A paragraph that a page break cuts in two is one again."""
    blocks: list[Block] = []
    for page in pages:
        if blocks and page and blocks[-1].kind == page[0].kind and page[0].text[0].islower():
            blocks[-1] = blocks[-1]._replace(text=join(blocks[-1].text, page.pop(0).text))
        blocks += page
    return blocks


def _title(reader: PdfReader) -> str | None:
    title = reader.metadata.title if reader.metadata else None
    return title.strip() if title and title.strip() and not _NO_TITLE.fullmatch(title.strip()) else None
