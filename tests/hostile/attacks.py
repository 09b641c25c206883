"""The corpus against every place of an API where it fits, found in the API's own OpenAPI document."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from tests.hostile import corpus

NOBODY = "00000000-0000-7000-8000-000000000000"
SHARES = 3
T = TypeVar("T")
JSON = {"content-type": b"application/json"}
FORM = {"content-type": b"multipart/form-data; boundary=xxxx"}


@dataclass(frozen=True)
class Attack:
    """One hostile request."""

    method: str
    path: str
    query: bytes = b""
    headers: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query[:60]!r} {str(self.headers)[:80]} {self.body[:80]!r}"


@dataclass(frozen=True)
class Operation:
    """A method of a path, and a good example of its body."""

    document: dict[str, Any]
    method: str
    template: str
    details: dict[str, Any]
    turn: int = 0
    """Which share of the corpus is this operation's, where a place is the same on every route."""

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    def attacks(self) -> Iterator[Attack]:
        """Each of the corpus at each place of this operation."""
        yield from self._through_path()
        yield from self._through_query()
        yield from self._through_headers()
        if "application/json" in self._content:
            yield from self._through_json()
        if "multipart/form-data" in self._content:
            yield from self._through_form()

    @property
    def path(self) -> str:
        return self._path(quote(NOBODY))

    @property
    def _content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.details.get("requestBody", {}).get("content", {})
        return found

    def _path(self, value: str) -> str:
        parts = self.template.split("/")
        return "/".join(value if part.startswith("{") else part for part in parts)

    def _parameters(self, where: str) -> list[str]:
        return [item["name"] for item in self.details.get("parameters", []) if item["in"] == where]

    def _good_headers(self) -> dict[str, bytes]:
        if "application/json" in self._content:
            return JSON
        return FORM if "multipart/form-data" in self._content else {}

    def _good_body(self) -> bytes:
        if "application/json" in self._content:
            return corpus.as_json(self._example("application/json"))
        return form({}) if "multipart/form-data" in self._content else b""

    def _schema(self, media_type: str) -> dict[str, Any]:
        reference = self._content[media_type]["schema"]
        name = reference.get("$ref", "").rpartition("/")[2]
        found: dict[str, Any] = self.document["components"]["schemas"].get(name, reference)
        return found

    def _example(self, media_type: str) -> Any:
        return (self._schema(media_type).get("examples") or [{}])[0]

    def _with(self, **what: Any) -> Attack:
        good = {"headers": self._good_headers(), "body": self._good_body()}
        return Attack(self.method, **{"path": self.path, **good, **what})

    def _share(self, things: Sequence[T]) -> Sequence[T]:
        return things[self.turn % SHARES :: SHARES]

    def _through_path(self) -> Iterator[Attack]:
        if "{" not in self.template:
            return
        for text in self._share(corpus.TEXTS):
            if len(text) <= 5_000:
                yield self._with(path=self._path(quote(text, safe="", errors="replace")))
        for raw in ("%ff", "%", "%zz", "..", ".", "%2e%2e", "a/b", "a%2fb", "a;b=c"):
            yield self._with(path=self._path(raw))

    def _through_query(self) -> Iterator[Attack]:
        for query in self._share(corpus.QUERIES):
            yield self._with(query=query)
        for name, texts in _shared(self._parameters("query")):
            for text in texts:
                yield self._with(query=f"{name}={quote(text, safe='')}".encode())
            yield self._with(query=f"{name}=1&{name}=1".encode())
            yield self._with(query=f"{name}=%ff".encode())

    def _through_headers(self) -> Iterator[Attack]:
        for hostile in self._share(corpus.HEADERS):
            yield self._with(headers={**self._good_headers(), **hostile})
        for name, texts in _shared(self._parameters("header")):
            for text in texts:
                if not set(text) & set("\r\n\0"):
                    value = text.encode("latin-1", errors="replace")
                    yield self._with(headers={**self._good_headers(), name.lower(): value})

    def _through_json(self) -> Iterator[Attack]:
        for body in self._share(corpus.BODIES):
            yield self._with(body=body)
        example = self._example("application/json")
        for name, texts in _shared(self._schema("application/json").get("properties", {})):
            for value in [*texts, *corpus.VALUES]:
                yield self._with(body=corpus.as_json({**example, name: value}))
        for name in ("id", "status", "role", "principal_id", "__proto__", ""):
            yield self._with(body=corpus.as_json({**example, name: 1}))

    def _through_form(self) -> Iterator[Attack]:
        for body in (*corpus.BODIES, b"--xxxx", b"--xxxx--", b"--xxxx\r\n\r\n\r\n--xxxx--"):
            yield self._with(body=body)
        for name, texts in _shared(self._schema("multipart/form-data").get("properties", {})):
            for text in texts:
                yield self._with(body=form({name: text.encode(errors="replace")}))
            yield self._with(body=form({name: b"\xff\xfe"}))
        for text in corpus.TEXTS:
            yield self._with(body=form({}, filename=text.encode(errors="replace")))


def _shared(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Each name with its share of the texts: all of them meet an operation, a third each of its members."""
    for number, name in enumerate(names):
        yield name, corpus.TEXTS[number % SHARES :: SHARES]


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document."""
    found = [
        (method.upper(), path, details)
        for path, methods in document["paths"].items()
        for method, details in methods.items()
    ]
    return [Operation(document, *operation, turn) for turn, operation in enumerate(found)]


def wrong_methods(document: dict[str, Any]) -> Iterator[Attack]:
    """Every method a path does not have."""
    for path, methods in document["paths"].items():
        known = {method.upper() for method in methods}
        for method in corpus.METHODS:
            if method not in known:
                yield Attack(method, path.replace("{", "").replace("}", ""))


def form(fields: dict[str, bytes], *, filename: bytes = b"a.txt") -> bytes:
    """A multipart body with a small file and these fields, written without any care for quoting."""
    parts = [
        b'--xxxx\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\n\r\nwords\r\n' % filename
    ]
    parts += [
        b'--xxxx\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    ]
    return b"".join(parts) + b"--xxxx--\r\n"
