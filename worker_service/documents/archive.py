"""The guard in front of zip containers: what python's zipfile and the Office parsers would swallow whole."""

import io
import stat
import zipfile
from pathlib import PurePosixPath

from core.errors import JobError

MAX_ENTRIES = 2_000
MAX_TOTAL_BYTES = 200_000_000
MAX_RATIO = 100
RATIO_FREE_BYTES = 1_000_000
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED_FLAG = 0x1
_ARCHIVES = frozenset(
    ".zip .docx .docm .xlsx .xlsm .pptx .odt .ods .jar .7z .rar .gz .tgz .tar .bz2 .xz".split()
)
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_PROLOG_BYTES = 4_096


def open_archive(data: bytes) -> zipfile.ZipFile:
    """An opened zip that is safe to read: sizes, ratio, names and prologs were looked at, nothing extracted.

    Charts and sheets that Word embeds under `embeddings/` may be archives: no parser here opens them.
    Raises JobError `archive_unsafe`, `document_encrypted` or `document_broken`.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise JobError(
            "document_broken", "The document is damaged: its container cannot be opened."
        ) from error
    entries = archive.infolist()
    _check_sizes(entries, len(data))
    for entry in entries:
        _check_entry(archive, entry)
    return archive


def _check_sizes(entries: list[zipfile.ZipInfo], stored: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES:
        raise _unsafe(f"it has more than {MAX_ENTRIES} entries")
    if len({entry.filename for entry in entries}) < len(entries):
        raise _unsafe("it has two entries of one name")
    if total > MAX_TOTAL_BYTES:
        raise _unsafe(f"it unpacks to more than {MAX_TOTAL_BYTES // 1_000_000} MB")
    if total > RATIO_FREE_BYTES and total > MAX_RATIO * stored:
        raise _unsafe(f"it unpacks to more than {MAX_RATIO} times its size")
    if sum(entry.compress_size for entry in entries) > stored:
        raise _unsafe("its entries overlap")


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise _unsafe("an entry's name leaves the container")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _unsafe("it contains a symbolic link")
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise JobError("document_encrypted", "The document is protected by a password.")
    if entry.compress_type not in _METHODS:
        raise _unsafe("it uses an unusual compression")
    if entry.file_size > RATIO_FREE_BYTES and entry.file_size > 10 * MAX_RATIO * max(entry.compress_size, 1):
        raise _unsafe("an entry unpacks to more than a thousand times its size")
    _check_prolog(_prolog(archive, entry), path)


def _prolog(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as part:
            return part.read(_PROLOG_BYTES)
    except Exception as error:  # zlib.error, BadZipFile, EOFError, struct.error: a lying directory
        raise JobError("document_broken", "The document is damaged: a part of it cannot be read.") from error


def _check_prolog(prolog: bytes, path: PurePosixPath) -> None:
    nested = path.suffix.lower() in _ARCHIVES or prolog.startswith(_ARCHIVE_MAGIC)
    if nested and "embeddings" not in path.parts:
        raise _unsafe("it contains another archive")
    if path.suffix.lower() in {".xml", ".rels"} and any(doctype in prolog for doctype in _DOCTYPES):
        raise _unsafe("a part declares XML entities")


def _unsafe(why: str) -> JobError:
    return JobError("archive_unsafe", f"The document's container was refused: {why}.")
