"""The OpenAPI document as we really answer: problems where FastAPI would promise its own error bodies."""

from typing import Any

from core.web.idempotency import HEADER, PATTERN
from core.web.problems import MEDIA_TYPE, Problem

_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and body again, within 24 hours: one effect, and the same answer",
    "schema": {"type": "string", "pattern": PATTERN},
}
CALLER_SCHEME = "HTTPBearer"
"""How the callers are known to whom the key of an idempotent POST belongs: a webhook's secret is nobody's."""
_FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document, changed in place; doing it twice changes nothing."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update({**problem.pop("$defs", {}), "Problem": problem})
    for name in _FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    for operations in document.get("paths", {}).values():
        for operation in operations.values():
            _promise(operation["responses"])
        posted = operations.get("post", {})
        if any(CALLER_SCHEME in scheme for scheme in posted.get("security", ())):
            _offer_key(posted)
    return document


def _offer_key(operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    if all(parameter["name"] != HEADER for parameter in parameters):
        parameters.append(_KEY)
        operation["responses"].setdefault(
            "409", {"description": "`idempotency_in_flight`", "content": _CONTENT}
        )


def _promise(responses: dict[str, Any]) -> None:
    responses.setdefault("default", {"description": "Any other refusal", "content": _CONTENT})
    if "422" in responses:
        responses["422"]["content"] = _CONTENT
