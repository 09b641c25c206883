"""CSV as people make it: any of four delimiters, quoted newlines, with or without a header."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from worker_service.documents.extract.blocks import Extracted
from worker_service.documents.extract.decoding import decode
from worker_service.documents.extract.tables import table_blocks

DELIMITERS = ";,\t|"  # in Brazil the comma is the decimal mark, so the semicolon wins a tie
SAMPLE_ROWS = 50
SAMPLE_CHARACTERS = 65_536


def extract(data: bytes) -> Extracted:
    """One block per record, each value with the name of its column."""
    text = decode(data).replace("\x00", "")
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        return Extracted(None, tuple(table_blocks(_records(rest, first.strip()[-1]))))
    return Extracted(None, tuple(table_blocks(_records(text, delimiter_of(text)))))


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first records into the most alike rows of at least two cells."""

    def score(delimiter: str) -> tuple[float, int]:
        rows = islice(_records(text[:SAMPLE_CHARACTERS], delimiter), SAMPLE_ROWS)
        widths = Counter(len(row) for row in rows if row)
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        return (times / widths.total(), width) if width > 1 else (0.0, 0)

    return max(DELIMITERS, key=score)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(10_000_000)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
