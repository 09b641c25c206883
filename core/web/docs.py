"""Swagger UI from the installed package: `/docs` works without the internet and without inline scripts."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_START = """window.onload = () => SwaggerUIBundle({
  url: "docs/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  persistAuthorization: false, presets: [SwaggerUIBundle.presets.apis],
});
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body></html>
"""


def install(app: FastAPI) -> None:
    """Serve the pages. None of them is in the schema."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(_PAGE.format(title=app.title), headers={"content-security-policy": POLICY})

    async def start(_request: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    async def document(_request: Request) -> Response:
        return JSONResponse(for_swagger_ui(app.openapi()))

    app.add_route("/docs", page, include_in_schema=False)
    app.add_route("/docs/start.js", start, include_in_schema=False)
    app.add_route("/docs/openapi.json", document, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=str(swagger_ui_path)), name="docs-assets")


def for_swagger_ui(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI 3.1 document in 3.0 words: Swagger UI 4, the newest on PyPI, refuses 3.1."""
    older: dict[str, Any] = _older(json.loads(json.dumps(document)))
    return {**older, "openapi": "3.0.3"}


def _older(node: Any) -> Any:
    if isinstance(node, list):
        return [_older(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _older(value) for key, value in node.items()}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if isinstance(examples := node.get("examples"), list):
        node.pop("examples")
        node["example"] = examples[0]
    return _nullable(node)


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    rest = [choice for choice in choices if choice != {"type": "null"}]
    node = {key: value for key, value in node.items() if key != "anyOf"}
    return {**node, "nullable": True, **(rest[0] if len(rest) == 1 else {"anyOf": rest})}
