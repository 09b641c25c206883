"""Decides what a file is from its bytes; its name and declared type only choose between kinds of text."""

import json
import re
from enum import StrEnum
from pathlib import PurePosixPath

from core.errors import JobError
from worker_service.documents.extract.decoding import decode

SAMPLE_BYTES = 65_536
JSON_PROBE_BYTES = 1_000_000


class MediaType(StrEnum):
    """The formats this house can read."""

    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    CSV = "text/csv"
    JSON = "application/json"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"RIFF": "an image, sound or video",
    b"II*\x00": "an image",
    b"MM\x00*": "an image",
    b"BM": "an image",
    b"\x1f\x8b": "a compressed file",
    b"BZh": "a compressed file",
    b"\xfd7zXZ\x00": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
    b"PK": "an archive",
    b"{\\rtf": "an RTF document; save it as .docx or PDF",
    b"%!PS": "a PostScript document; save it as PDF",
}
_BY_SUFFIX = {
    ".txt": MediaType.TEXT,
    ".text": MediaType.TEXT,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.CSV,
    ".json": MediaType.JSON,
}
_BY_DECLARATION = {
    "text/markdown": MediaType.MARKDOWN,
    "text/x-markdown": MediaType.MARKDOWN,
    "text/html": MediaType.HTML,
    "application/xhtml+xml": MediaType.HTML,
    "text/csv": MediaType.CSV,
    "application/csv": MediaType.CSV,
    "text/tab-separated-values": MediaType.CSV,
    "application/json": MediaType.JSON,
}
_HTML_OPENING = re.compile(
    r"\s*(?><\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*)*)<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAG = re.compile(
    r"</?(?:p|div|span|h[1-6]|a|table|ul|ol|li|br|section|article|main|title)\b", re.IGNORECASE
)
_XML_OPENING = re.compile(r"\s*<(?:\?xml|svg|!DOCTYPE)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_BYTE = re.compile(_CONTROL.pattern.encode())


def detect(data: bytes, *, filename: str | None, declared: str | None) -> MediaType:
    """What `data` is. The bytes decide; `filename` and `declared` only tell kinds of text apart.

    Raises JobError `document_empty`, `document_encrypted` (a password-protected Office file) or
    `unsupported_media_type`.
    """
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise JobError("document_empty", "The document is empty.")
    if data.startswith(_OLE):
        raise _ole_refusal(data)
    if data.startswith(b"PK\x03\x04"):
        return _office_kind(data)
    if b"%PDF-" in data[:1024] and not data.startswith(tuple(_FOREIGN)):
        return MediaType.PDF
    return _text_kind(_readable_sample(data), data, _hint(filename, declared))


def _ole_refusal(data: bytes) -> JobError:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return JobError("document_encrypted", "The document is protected by a password.")
    return _unsupported("an old Office file; save it as .docx, .xlsx or PDF")


def _office_kind(data: bytes) -> MediaType:
    """The outer zip's directory comes last in the file, so the last mention names its main part."""
    word, sheet = data.rfind(b"word/document"), data.rfind(b"xl/workbook")
    if b"[Content_Types].xml" not in data or max(word, sheet) < 0:
        raise _unsupported("an archive")
    return MediaType.DOCX if word > sheet else MediaType.XLSX


def _readable_sample(data: bytes) -> str:
    """The decoded head of `data`; two letters of magic may open a sentence, without control bytes."""
    head = data[:SAMPLE_BYTES]
    for magic, name in _FOREIGN.items():
        if head.startswith(magic) and (len(magic) > len(b"MZ") or _CONTROL_BYTE.search(head)):
            raise _unsupported(name)
    sample = decode(head)
    if len(_CONTROL.findall(sample)) * 200 > len(sample):
        raise _unsupported("not text")
    return sample


def _hint(filename: str | None, declared: str | None) -> MediaType | None:
    """A specific declaration wins over the name; `text/plain` is what servers say when they do not know."""
    kind = _BY_DECLARATION.get((declared or "").partition(";")[0].strip().lower())
    return kind or _BY_SUFFIX.get(PurePosixPath(filename or "").suffix.lower())


def _text_kind(sample: str, data: bytes, hint: MediaType | None) -> MediaType:
    if _HTML_OPENING.match(sample) or (hint is MediaType.HTML and _HTML_TAG.search(sample)):
        return MediaType.HTML
    if _XML_OPENING.match(sample):
        raise _unsupported("an XML document")
    if hint is MediaType.HTML:
        return MediaType.TEXT
    return hint or (MediaType.JSON if _is_json(data) else MediaType.TEXT)


def _is_json(data: bytes) -> bool:
    if len(data) > JSON_PROBE_BYTES or not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    try:
        json.loads(decode(data), parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _unsupported(what: str) -> JobError:
    return JobError("unsupported_media_type", f"This kind of file cannot be read: it looks like {what}.")
