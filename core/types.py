"""The annotated types every schema shares. The rules of input are fixed once, here, from the first day.

Text is NFC, trimmed, without NUL, lone surrogates or control characters; integers fit their columns;
times are aware and within 1900-2100.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MAX_METADATA_DEPTH = 8
MAX_METADATA_NODES = 1_000
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff")


class Model(BaseModel):
    """Base of every schema: unknown fields are refused, instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def clean_text(value: str) -> str:
    """NFC, LF line ends, trimmed. Refuses NUL, lone surrogates and control characters."""
    if _SURROGATES.search(value):
        raise PydanticCustomError("text_surrogate", "text holds a lone surrogate")
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROLS.search(text):
        raise PydanticCustomError("text_control", "text holds a control character")
    return text.strip()


def _visible(value: str) -> str:
    if not value.strip("".join(_INVISIBLE)).strip():
        raise PydanticCustomError("text_blank", "text is blank")
    return value


def _single_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise PydanticCustomError("text_line", "text must be a single line")
    return value


def _in_range(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise PydanticCustomError("datetime_range", "time must lie between 1900 and 2100")
    return value.astimezone(UTC)


def _written_out(value: Any) -> Any:
    """A time is ISO 8601 text: a bare number could be seconds, milliseconds or a mistake."""
    if isinstance(value, str | datetime) and not (isinstance(value, str) and value.strip().isdigit()):
        return value
    raise PydanticCustomError("datetime_text", "time must be ISO 8601 text with an offset")


def _bounded_json(value: dict[str, Any]) -> dict[str, Any]:
    """Metadata is small, shallow and storable: the same text rules hold at every leaf."""
    nodes = 0

    def walk(node: Any, depth: int) -> Any:
        nonlocal nodes
        nodes += 1
        if nodes > MAX_METADATA_NODES or depth > MAX_METADATA_DEPTH:
            raise PydanticCustomError("metadata_size", "metadata is too large or too deep")
        if isinstance(node, str):
            return clean_text(node)
        if isinstance(node, list):
            return [walk(item, depth + 1) for item in node]
        if isinstance(node, dict):
            return {clean_text(key): walk(item, depth + 1) for key, item in node.items()}
        if isinstance(node, int | float) and not abs(node) < 2**63:  # NaN is not less than anything
            raise PydanticCustomError("metadata_number", "metadata holds a number that is too large")
        return node

    cleaned: dict[str, Any] = walk(value, 0)
    return cleaned


Text: TypeAlias = Annotated[str, AfterValidator(clean_text), AfterValidator(_visible)]
"""Text a person wrote; add `Field(max_length=...)`."""

Line: TypeAlias = Annotated[Text, AfterValidator(_single_line)]
"""A single line of text: a title, a name."""

Slug: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["default"])]
"""A short name used in URLs and filters, such as a namespace."""

Instant: TypeAlias = Annotated[
    AwareDatetime, BeforeValidator(_written_out, json_schema_input_type=datetime), AfterValidator(_in_range)
]
"""A moment in time, normalised to UTC."""

Int32: TypeAlias = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, strict=True)]
Int64: TypeAlias = Annotated[int, Field(ge=-(2**63), le=2**63 - 1, strict=True)]
Metadata: TypeAlias = Annotated[dict[str, JsonValue], AfterValidator(_bounded_json)]
"""A small JSON object a caller hangs on a thing and filters by."""
