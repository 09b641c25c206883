"""JSON as lines a person can read and a search can find: `atendimento.sábado: fechado`."""

import json
from collections.abc import Iterator
from typing import Any

from core.errors import JobError
from worker_service.documents.extract.blocks import Block, Extracted, Kind
from worker_service.documents.extract.decoding import decode

MAX_DEPTH = 100
MAX_PATH = 200  # each line repeats its path: an endless key would become gigabytes
_TITLE_KEYS = ("title", "titulo", "título", "name", "nome")
_WORDS = {True: "sim", False: "não"}


def extract(data: bytes) -> Extracted:
    """A line per value; a list of flat objects gives a table row per object."""
    root = json.loads(decode(data), parse_int=str, parse_float=str, parse_constant=str)
    return Extracted(_title(root), tuple(_walk(root, "", 0)))


def _title(root: Any) -> str | None:
    if not isinstance(root, dict):
        return None
    return next((root[key] for key in _TITLE_KEYS if isinstance(root.get(key), str)), None)


def _walk(value: Any, path: str, depth: int) -> Iterator[Block]:
    if depth > MAX_DEPTH:
        raise JobError("document_broken", "The document is nested too deeply to be read.")
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (f"{path}.{key}" if path else key)[-MAX_PATH:], depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _item(item, path, number, depth)
    elif text := _scalar(value):
        yield Block(Kind.PARAGRAPH, f"{path}: {text}" if path else text)


def _item(item: Any, path: str, number: int, depth: int) -> Iterator[Block]:
    if isinstance(item, dict) and not any(isinstance(value, dict | list) for value in item.values()):
        pairs = [f"{key}: {text}" for key, value in item.items() if (text := _scalar(value))]
        if pairs:
            yield Block(Kind.TABLE_ROW, "; ".join(pairs))
    elif isinstance(item, dict | list):
        yield from _walk(item, f"{path}[{number}]", depth + 1)
    else:
        yield from _walk(item, path, depth + 1)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return _WORDS[value] if isinstance(value, bool) else str(value).strip()
