"""Bytes to text when nobody reliably says which encoding it is: UTF-8 first, then what Brazil used before."""

import codecs
import re

SAMPLE_BYTES = 262_144
_BOMS = (  # UTF-32-LE begins with UTF-16-LE's mark, so the longer ones come first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ODD_IN_PORTUGUESE = re.compile(r"[^\x00-\x7fÀ-ÃÇ-ÊÌÍÑ-ÕÙÚÜà-ãç-êìíñ-õùúüªº°§«»“”‘’–—…•€·²³¹½¼¾©®™´\xa0]")


def decode(data: bytes) -> str:
    """The text of `data`; never fails, replaces what cannot be read.

    Only a sample of 256 kB is given to statistics, whose cost grows faster than the text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _cut_or_stray(data, error):
            return data.decode("utf-8", "replace")
    return data.decode(_guess(data[:SAMPLE_BYTES]), "replace")


def _cut_or_stray(data: bytes, error: UnicodeDecodeError) -> bool:
    """Still UTF-8: a sample cut inside a character, or a few bad bytes among many good sequences."""
    if error.start >= len(data) - 3 and error.start > 0:
        return not data[: error.start].isascii() or error.reason == "unexpected end of data"
    text = data[:SAMPLE_BYTES].decode("utf-8", "replace")
    good = sum(character > "\x7f" and character != "\ufffd" for character in text)
    return text.count("\ufffd") * 10 < good


def _guess(sample: bytes) -> str:
    """Windows-1252 when it reads as Portuguese, else the statistics' best guess."""
    text = sample.decode("cp1252", "replace")
    high = sum(character > "\x7f" for character in text)
    if len(_ODD_IN_PORTUGUESE.findall(text)) * 10 <= high:
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
