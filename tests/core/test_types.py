from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.types import Instant, Int32, Int64, Line, Metadata, Slug, Text

adapters: dict[str, TypeAdapter[Any]] = {
    "text": TypeAdapter(Text),
    "line": TypeAdapter(Line),
    "slug": TypeAdapter(Slug),
    "instant": TypeAdapter(Instant),
    "int32": TypeAdapter(Int32),
    "int64": TypeAdapter(Int64),
    "metadata": TypeAdapter(Metadata),
}


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "a\x00b"),
        ("text", "\ud800"),
        ("text", "\x1b[31m"),
        ("text", "\x85"),
        ("text", "   \u200b\ufeff "),
        ("text", ""),
        ("text", 12),
        ("line", "two\nlines"),
        ("line", "a\tb"),
        ("slug", "Default"),
        ("slug", "a" * 64),
        ("slug", "default\n"),
        ("slug", "../x"),
        ("instant", "2024-01-01T00:00:00"),
        ("instant", "2024-01-01"),
        ("instant", 1_700_000_000),
        ("instant", "1700000000"),
        ("instant", "0001-01-01T00:00:00+14:00"),
        ("instant", "9999-12-31T23:59:59-14:00"),
        ("instant", True),
        ("int32", 2**31),
        ("int32", "1"),
        ("int32", 1.0),
        ("int64", 2**63),
        ("int64", -(2**63) - 1),
        ("metadata", {"a": "b\x00"}),
        ("metadata", {"a\ud800": 1}),
        ("metadata", {"n": 2**63}),
        ("metadata", {"n": float("nan")}),
        ("metadata", {"n": float("inf")}),
        ("metadata", {str(n): n for n in range(1001)}),
        ("metadata", nested(9)),
        ("metadata", []),
    ],
)
def test_bad_input_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        adapters[kind].validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", " a\u0301gua\r\n", "água"),
        ("text", "👩🏽\u200d🚀 família", "👩🏽\u200d🚀 família"),
        ("line", "Segunda via", "Segunda via"),
        ("slug", "rh-2026_a", "rh-2026_a"),
        ("int64", 2**63 - 1, 2**63 - 1),
        ("metadata", {"a": [1, None, True, {"b": " x "}]}, {"a": [1, None, True, {"b": "x"}]}),
    ],
)
def test_good_input_is_normalised(kind: str, value: Any, expected: Any) -> None:
    assert adapters[kind].validate_python(value) == expected


def test_times_become_utc() -> None:
    assert adapters["instant"].validate_python("2026-01-01T00:00:00-03:00").isoformat() == (
        "2026-01-01T03:00:00+00:00"
    )


@given(st.text())
def test_text_is_clean_or_refused_and_cleaning_twice_changes_nothing(value: str) -> None:
    try:
        cleaned = adapters["text"].validate_python(value)
    except ValidationError:
        return
    assert "\x00" not in cleaned
    cleaned.encode()
    assert adapters["text"].validate_python(cleaned) == cleaned
