"""From what a caller sent to a `Submission`: names are cleaned, addresses checked, files looked at. Pure."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from core.errors import DomainError, Invalid
from core.models import JobKind
from core.types import clean_text
from ingestion_service.documents.addresses import check_address
from ingestion_service.documents.schemas import BatchIn, DocumentIn, FileOptions
from ingestion_service.documents.submission import Submission, text_source

MAX_FILENAME = 200
# Programs and media: nothing a document extractor will ever read, refused while somebody listens.
REFUSED_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"ID3",
    b"OggS",
)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class EmptyFile(Invalid):
    """The file holds no bytes."""

    code = "empty_file"


class FileTypeRefused(DomainError):
    """The file is a program, an image or a sound: nothing to read text from."""

    code = "file_type_refused"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class KeyMismatch(Invalid):
    """The body and the `Idempotency-Key` header name different keys."""

    code = "idempotency_key_conflict"


def of_document(
    document: DocumentIn, principal_id: int, *, key: str | None, allowed_hosts: frozenset[str], at: str = ""
) -> Submission:
    """A text or an address. `at` is the pointer of the document in the body. Raises UrlNotAllowed."""
    options = _options(document, principal_id, key)
    if document.source_uri is not None:
        url = check_address(document.source_uri, allowed_hosts, pointer=f"{at}/source_uri")
        return Submission(**options, kind=JobKind.URL, source=url)
    text = document.text or ""
    return Submission(
        **options,
        kind=JobKind.TEXT,
        source=document.source or text_source(text),
        media_type="text/plain",
        blob=text.encode(),
    )


def of_batch(
    batch: BatchIn, principal_id: int, *, key: str | None, allowed_hosts: frozenset[str]
) -> Sequence[Submission]:
    """Each item; a key of the whole batch becomes one key per item."""
    return [
        of_document(
            item,
            principal_id,
            key=None if key is None or item.idempotency_key else f"{key}/{number}",
            allowed_hosts=allowed_hosts,
            at=f"/items/{number}",
        )
        for number, item in enumerate(batch.items)
    ]


def of_file(
    options: FileOptions,
    content: bytes,
    given_name: str | None,
    given_type: str | None,
    principal_id: int,
    *,
    key: str | None,
) -> Submission:
    """A file, with the name and type its sender gave it. Raises EmptyFile or FileTypeRefused."""
    if not content:
        raise EmptyFile("the file is empty", pointer="/file")
    if content.startswith(REFUSED_MAGIC):
        raise FileTypeRefused("this type of file holds no text to read", pointer="/file")
    name = file_name(given_name or "")
    return Submission(
        **_options(options, principal_id, key),
        kind=JobKind.FILE,
        source=options.source or f"file:{name}",
        filename=name,
        media_type=media_type(given_type),
        blob=content,
    )


def file_name(given: str) -> str:
    """The base name, never a path: what is left is shown, and gives a hint of the type."""
    base = PureWindowsPath(PurePosixPath(given).name).name
    printable = "".join(char for char in base if char.isprintable()).strip(" .")
    try:
        return clean_text(printable[-MAX_FILENAME:]) or "unnamed"
    except ValueError:
        return "unnamed"


def media_type(given: str | None) -> str | None:
    """The declared type when it is well formed: a hint only, the worker looks at the bytes."""
    found = re.fullmatch(
        r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}", (given or "").partition(";")[0].strip().lower()
    )
    return found[0] if found else None


def _options(document: DocumentIn | FileOptions, principal_id: int, key: str | None) -> dict[str, Any]:
    if key and document.idempotency_key and key != document.idempotency_key:
        raise KeyMismatch(
            "the header and the body name different idempotency keys", pointer="/idempotency_key"
        )
    return {
        "principal_id": principal_id,
        "namespace": document.namespace,
        "title": document.title,
        "metadata": document.metadata,
        "priority": document.priority,
        "run_at": document.run_at,
        "idempotency_key": document.idempotency_key or key,
    }
