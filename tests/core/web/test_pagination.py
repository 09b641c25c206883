import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.pagination import BadCursor, PageQuery, decode_cursor, encode_cursor, page_of


@given(st.integers(0, 2**63 - 1), st.text(st.characters(categories=["L", "N"]), max_size=20))
def test_a_cursor_gives_its_key_back(number: int, word: str) -> None:
    assert decode_cursor(encode_cursor(number, word), int, str) == (number, word)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(cursor: str) -> None:
    try:
        (key,) = decode_cursor(cursor, int)
    except BadCursor:
        return
    assert encode_cursor(key) == cursor


@pytest.mark.parametrize(
    "packed",
    [
        "[]",
        "{}",
        "[true]",
        "[1.0]",
        "[-1]",
        "[9223372036854775808]",
        '["1"]',
        "[1,2]",
        "[NaN]",
        " [1]",
        "[" * 300,
    ],
)
def test_a_key_of_another_shape_is_refused(packed: str) -> None:
    cursor = base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")
    with pytest.raises(BadCursor):
        decode_cursor(cursor, int)


@pytest.mark.parametrize("cursor", ["é", "WzFd=", "WzFd\n", "Wz Fd", "WzFe", "W", "\x00", "+/"])
def test_another_spelling_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor, int)


def test_control_characters_inside_are_refused() -> None:
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor("a\x00b"), str)


@given(st.integers(0, 12), st.integers(1, 5))
def test_pages_walk_through_all_rows_and_end(count: int, limit: int) -> None:
    rows = [{"key": number} for number in range(count, 0, -1)]
    seen: list[int] = []
    query = PageQuery(limit=limit)
    while True:
        left = [row for row in rows if query.before is None or row["key"] < query.before]
        page = page_of(left[: limit + 1], limit, lambda row: row["key"])
        seen += page.items
        if page.next_cursor is None:
            break
        query = PageQuery(limit=limit, cursor=page.next_cursor)
    assert seen == [row["key"] for row in rows]
