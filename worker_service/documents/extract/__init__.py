"""Turns bytes into blocks: one module per format, imported only when its format arrives."""

from importlib import import_module

from core.errors import JobError
from worker_service.documents.extract.blocks import Block, Extracted, Kind

__all__ = ["Block", "Extracted", "Kind", "extract"]

_MODULES = {
    "text/plain": "plain",
    "text/markdown": "markdown",
    "text/html": "html",
    "text/csv": "delimited",
    "application/json": "json_lines",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


_XML_NO_MEMORY = 2  # libxml2's XML_ERR_NO_MEMORY, which lxml reports as a syntax error


def extract(data: bytes, media_type: str) -> Extracted:
    """The title and blocks of `data`, a file of `media_type`.

    Not safe for hostile files in a long-lived process: see `sandbox.extract_safely`.
    Raises JobError `document_broken`, `document_encrypted`, `document_empty`, `archive_unsafe` or
    `parser_limit`.
    """
    parser = import_module(f"{__name__}.{_MODULES[media_type]}")
    try:
        extracted: Extracted = parser.extract(data)
    except (JobError, MemoryError):
        raise
    except RecursionError:
        raise JobError("document_broken", "The document is nested too deeply to be read.") from None
    except Exception as error:
        # Parsers meet hostile bytes with any exception they can think of; all mean the same to the caller.
        if _lacks_memory(error):
            raise MemoryError from error
        raise JobError("document_broken", "The document is damaged and cannot be read.") from error
    if not any(block.text.strip() for block in extracted.blocks):
        raise JobError("document_empty", "The document has no text; a scan must be recognised (OCR) first.")
    return extracted


def _lacks_memory(error: BaseException | None) -> bool:
    """True when a parser wrapped the lack of memory in an error of its own."""
    while error:
        if isinstance(error, MemoryError) or getattr(error, "code", None) == _XML_NO_MEMORY:
            return True
        error = error.__cause__ or error.__context__
    return False
