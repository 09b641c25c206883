"""Plain text: paragraphs between blank lines, lists, and the headings people type in capitals."""

from worker_service.documents.extract.blocks import Extracted
from worker_service.documents.extract.decoding import decode
from worker_service.documents.extract.lines import line_width, to_blocks


def extract(data: bytes) -> Extracted:
    """The blocks of a text file; it has no title of its own."""
    lines = [" ".join(line.split()) for line in decode(data).splitlines()]
    return Extracted(None, tuple(to_blocks(lines, width=line_width(lines))))
