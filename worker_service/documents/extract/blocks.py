"""What every extractor returns. Named tuples: cheap to import in the parser child, and JSON as they are."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The role of a block in its document."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    QUESTION_ANSWER = "question_answer"


class Block(NamedTuple):
    """A piece of text with one role. `level` is 1-6 for headings, else 0; `page` counts from 1."""

    kind: Kind
    text: str
    level: int = 0
    page: int | None = None


class Extracted(NamedTuple):
    """A document as its parser saw it: not yet normalised, in reading order."""

    title: str | None
    blocks: tuple[Block, ...]
