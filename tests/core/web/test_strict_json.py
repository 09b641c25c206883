import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.strict_json import Bounds, JsonTooComplex, MalformedJson, loads

NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


@given(JSON)
def test_what_json_can_say_is_read_back(value: object) -> None:
    assert loads(json.dumps(value).encode(), Bounds()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 0.' + b"9" * 5000 + b"}",
        b'{"a": 1} {"a": 2}',
        b'"abc',
        b'{"a": "tab\there"}',
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        loads(body, Bounds())


def test_surrogate_pairs_are_one_character() -> None:
    assert loads(b'"\\ud83d\\ude00"', Bounds()) == "\N{GRINNING FACE}"


def test_depth_is_bounded_exactly() -> None:
    assert loads(b"[" * 32 + b"]" * 32, Bounds(depth=32))
    with pytest.raises(JsonTooComplex):
        loads(b"[" * 33 + b"]" * 33, Bounds(depth=32))


def test_values_are_bounded_and_commas_in_text_do_not_count() -> None:
    assert len(loads(b"[" + b",".join([b"1"] * 99) + b"]", Bounds(nodes=100))) == 99
    with pytest.raises(JsonTooComplex):
        loads(b"[" + b",".join([b"1"] * 101) + b"]", Bounds(nodes=100))
    assert loads(json.dumps(",[{" * 1000).encode(), Bounds(nodes=100))


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000,
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
        b'"' * 1_000_001,
        b"\\" * 1_000_000,
    ],
)
def test_hostile_megabytes_are_refused_in_linear_time(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises((MalformedJson, JsonTooComplex)):
        loads(body, Bounds())
    assert time.process_time() - started < 5  # a quadratic reading takes minutes
