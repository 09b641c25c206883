"""What `cogep ingest` was given, turned into single things to send."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Source:
    """A URL or a file; `missing` says why it cannot be sent.

    `lasting` names a file of a folder the same from wherever it is sent: new content is its next version.
    """

    name: str
    file: Path | None = None
    lasting: str | None = None
    missing: str | None = None


def sources(arguments: Iterable[str]) -> list[Source]:
    """Every URL, every file, and every file below every folder; hidden ones only when named."""
    return [source for argument in arguments for source in _expand(argument)]


def _expand(argument: str) -> Iterator[Source]:
    if argument.startswith(("http://", "https://")):
        yield Source(argument)
        return
    path = Path(argument).expanduser()
    if path.is_dir():
        found = sorted(_visible_files(path))
        yield from (Source(_sendable(str(file)), file, _lasting(path, file)) for file in found)
        if not found:
            yield Source(_sendable(argument), missing="a pasta não tem arquivos")
    elif path.is_file():
        yield Source(_sendable(str(path)), path)
    else:
        yield Source(_sendable(argument), missing="não existe")


def _visible_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _lasting(folder: Path, file: Path) -> str:
    inside = PurePosixPath(folder.resolve().name, *file.relative_to(folder).parts)
    return f"file:{_sendable(str(inside))}"


def _sendable(name: str) -> str:
    """A file name may hold bytes that are no text; what is sent is always text."""
    return os.fsencode(name).decode("utf-8", "replace")
