"""JSON as RFC 8259 and I-JSON mean it, with bounds: what two parsers could read differently is refused.

The standard parser takes NaN, duplicate keys, UTF-16 and lone surrogates, and stalls the loop for seconds on
millions of nodes; size and depth are therefore bounded before it is called.
"""

import json
import math
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from core.errors import DomainError

MAX_NUMBER_LENGTH = 64
# The closing quote is optional, so that the pattern never fails and never backtracks: linear on any input.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedJson(DomainError):
    """The body is not strict JSON in UTF-8: syntax, NaN or Infinity, a repeated key or a lone surrogate."""

    code = "malformed_json"
    status = HTTPStatus.BAD_REQUEST


class JsonTooComplex(DomainError):
    """The JSON document is nested too deeply or has too many values."""

    code = "json_too_complex"
    status = HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class Bounds:
    """How deep a document may be nested and how many values it may hold."""

    depth: int = 32
    nodes: int = 10_000


def loads(body: bytes, bounds: Bounds) -> Any:
    """The document. Raises MalformedJson or JsonTooComplex."""
    value = loads_any_text(body, bounds)
    try:
        if _SURROGATE_ESCAPE.search(body.decode()):  # pairs are fine; a lone half cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedJson("a text holds a lone surrogate") from None
    return value


def loads_any_text(body: bytes, bounds: Bounds) -> Any:
    """The document, whose texts may hold lone surrogates: for senders who cannot be told to mend them.

    Raises MalformedJson or JsonTooComplex.
    """
    try:
        text = body.decode()
        _check_size(text, bounds)
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        raise MalformedJson("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"the body is not JSON: line {error.lineno}, column {error.colno}") from None


def _check_size(text: str, bounds: Bounds) -> None:
    bare = _STRING.sub("", text)
    if bare.count(",") + bare.count("[") + bare.count("{") >= bounds.nodes:
        raise JsonTooComplex(f"the document holds more than {bounds.nodes} values")
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in "[{" else -1
        if depth > bounds.depth:
            raise JsonTooComplex(f"the document is nested deeper than {bounds.depth}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("an object repeats a key")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise MalformedJson("a number is too long")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_NUMBER_LENGTH or not math.isfinite(number):
        raise MalformedJson("a number is too large or too long")
    return number


def _constant(_name: str) -> NoReturn:
    raise MalformedJson("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
