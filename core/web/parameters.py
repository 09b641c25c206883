"""What a route declares is what it takes: unknown and repeated parameters are refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args, get_origin

from fastapi import Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Declared:
    """The query and header parameters a route declares, its dependencies included."""

    query: frozenset[str]
    lists: frozenset[str]
    headers: frozenset[str]

    @classmethod
    def of(cls, dependant: Dependant) -> "Declared":
        """What the tree of dependencies declares."""
        query = [name for field in _fields(dependant, "query_params") for name in _names(field)]
        return cls(
            frozenset(name for name, _ in query),
            frozenset(name for name, annotation in query if _is_list(annotation)),
            frozenset(field.alias.lower() for field in _fields(dependant, "header_params")),
        )

    def check(self, request: Request) -> None:
        """Raise RequestValidationError naming every unknown or repeated parameter."""
        names = [name for name, _ in request.query_params.multi_items()]
        repeated = {name for name in names if names.count(name) > 1} - self.lists if len(names) > 1 else set()
        errors = [
            *(_error("unknown_parameter", "query", name) for name in sorted(set(names) - self.query)),
            *(_error("repeated_parameter", "query", name) for name in sorted(repeated & self.query)),
            *(
                _error("repeated_parameter", "header", name)
                for name in sorted(self.headers)
                if len(request.headers.getlist(name)) > 1
            ),
        ]
        if errors:
            raise RequestValidationError(errors)


def _fields(dependant: Dependant, kind: str) -> Iterator[ModelField]:
    yield from getattr(dependant, kind)
    for child in dependant.dependencies:
        yield from _fields(child, kind)


def _names(field: ModelField) -> Iterator[tuple[str, object]]:
    """A pydantic model as a query parameter stands for its fields."""
    annotation = field.field_info.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield info.alias or name, info.annotation
    else:
        yield field.alias, annotation


def _is_list(annotation: object) -> bool:
    parts = {annotation, get_origin(annotation), *map(get_origin, get_args(annotation))}
    return bool(parts & {list, tuple, set, frozenset})


_MESSAGES = {
    "unknown_parameter": "this parameter is not known",
    "repeated_parameter": "this parameter may be given once",
}


def _error(kind: str, where: str, name: str) -> dict[str, object]:
    """An unknown name is the caller's text, hence not echoed."""
    place = (where,) if kind == "unknown_parameter" else (where, name)
    return {"type": kind, "loc": place, "msg": _MESSAGES[kind]}
