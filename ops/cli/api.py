"""The CLI's way to the two APIs: a key, patience with a busy server, and refusals a person understands."""

import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from core import apikeys
from ops.errors import Refused
from ops.runfile import RunFile
from ops.settings import OpsSettings

BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
TRIES = 4
LONGEST_WAIT = 10.0
TIMEOUT = httpx.Timeout(120, connect=5)


class Api:
    """One of the two APIs. Use as a context manager."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._client = httpx.Client(
            base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT, trust_env=False
        )

    def get(self, path: str, **parameters: str | int | None) -> Any:
        """The decoded answer. Raises Refused."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The decoded answer to a JSON body. Raises Refused."""
        return self._ask("POST", path, json=body)

    def upload(self, path: str, file: Path, name: str, fields: dict[str, str]) -> Any:
        """The decoded answer to a multipart upload of `file` under `name`. Raises Refused."""
        with file.open("rb") as content:
            return self._ask("POST", path, data=fields, files={"file": (name, content)})

    def _ask(self, method: str, path: str, **what: Any) -> Any:
        for attempt in range(TRIES):
            try:
                answer = self._client.request(method, path, **what)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Refused(_unreachable(self._base, error)) from None
            if answer.status_code not in BUSY or attempt == TRIES - 1:
                break
            time.sleep(_wait(answer, attempt))
            _rewind(what)
        return _decoded(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()


def ingestion_api(settings: OpsSettings) -> Api:
    """The ingestion API of these settings. Raises Refused when there is no key."""
    return Api(ingestion_url(settings), _key(settings))


def agent_api(settings: OpsSettings) -> Api:
    """The agent API of these settings. Raises Refused when there is no key."""
    return Api(agent_url(settings), _key(settings))


def ingestion_url(settings: OpsSettings) -> str:
    """Where the ingestion API is: as set, else where `cogep up` says it runs, else where it would."""
    return settings.ingestion_url or _running("ingestion", settings) or settings.ingestion_base


def agent_url(settings: OpsSettings) -> str:
    """Where the agent API is, found likewise."""
    return settings.agent_url or _running("agent", settings) or settings.agent_base


def _running(name: str, settings: OpsSettings) -> str | None:
    return next((row.url for row in RunFile(settings.data).read() if row.name == name), None)


def _key(settings: OpsSettings) -> str:
    try:
        given = settings.api_key
        key = given.get_secret_value() if given else settings.admin_key_file.read_text()
    except OSError:
        raise Refused(
            f"Não há chave de API: defina COGEP_API_KEY, ou crie {settings.admin_key_file} com `cogep up`."
        ) from None
    if apikeys.parse(key.strip()) is None:
        raise Refused("COGEP_API_KEY não tem a forma de uma chave (cgp_...).")
    return key.strip()


def _unreachable(base: str, error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"{base} demorou demais para responder."
    return f"Nada responde em {base}. O COGEP está no ar? Inicie com `cogep up`."


def _wait(answer: httpx.Response, attempt: int) -> float:
    try:
        asked = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        asked = 0.5 * 2**attempt
    return min(max(asked, 0.1), LONGEST_WAIT)


def _rewind(what: dict[str, Any]) -> None:
    for _, content in what.get("files", {}).values():
        content.seek(0)


def _decoded(answer: httpx.Response) -> Any:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.is_success:
        return body
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        raise Refused(
            "A chave de API não foi aceita. Veja COGEP_API_KEY, ou crie outra: `cogep keys create`."
        )
    detail = body.get("detail") or body.get("title") if isinstance(body, dict) else None
    raise Refused(detail if isinstance(detail, str) else f"A API respondeu {answer.status_code}.")
