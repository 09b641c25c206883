"""Bytes to lines: UTF-8 first, then what Brazil used before it. Pure.

Latin-1 never fails, so it comes last: asked first, it would make mojibake of every UTF-8 file.
"""

import codecs
import re
from collections.abc import Iterator

from worker_service.imports.layouts.rows import FileRefused, RowRefused

STRAY = 10
"""That many whole UTF-8 sequences for each broken one make a damaged UTF-8 file, not another encoding."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LINE = re.compile(r"([^\r\n\f]*)(\r\n|\r|\n|\f|\Z)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def decode(data: bytes) -> str:
    """The text of a file. Raises FileRefused `encoding_unknown`, `file_empty`.

    Of a damaged UTF-8 file the broken bytes become U+FFFD, which `check` refuses in the rows they are in.
    """
    if data.startswith(_WIDE):
        return _wide(data)
    if not data.strip():
        raise FileRefused("file_empty", "The file holds nothing.")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged(data) or _before_unicode(data)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """(number, text) of each line. A form feed begins a line as well, of the same number."""
    number = 1
    for found in _LINE.finditer(text):
        yield number, found[1]
        number += found[2] not in {"", "\f"}


def check(line: str) -> None:
    """Raises RowRefused for what no text of a payroll holds."""
    if "\ufffd" in line:
        raise RowRefused("encoding", "the row holds bytes of another encoding")
    if _CONTROL.search(line):
        raise RowRefused("control_character", "the row holds a control character")


def _wide(data: bytes) -> str:
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError:
        raise FileRefused("encoding_unknown", "The file begins as UTF-16 and does not go on so.") from None


def _damaged(data: bytes) -> str | None:
    text = data.decode("utf-8", "replace")
    whole = sum(character > "\x7f" for character in text) - (broken := text.count("\ufffd"))
    return text if whole > STRAY * broken else None


def _before_unicode(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
