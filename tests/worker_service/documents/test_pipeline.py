"""Documents through the real queue, the real pipeline and the real index, in this process."""

from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from core.db import Database
from core.settings import Environment, Settings
from tests.worker_service.documents.desk import Desk, Eventually, handbook, working


class Site(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, tuple[int, bytes]]] = {
        "/aviso.html": (200, b"<html><title>Aviso</title><p>Atendemos das 8h \xc3\xa0s 17h.</p></html>"),
        "/gone": (404, b""),
        "/broken": (503, b""),
    }

    def do_GET(self) -> None:
        status, body = self.answers[self.path]
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def site() -> Any:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def settings(database_url: str, site: str) -> Settings:
    return Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=database_url,
        REDIS_URL=None,
        queue_poll_seconds=0.05,
        fetch_allowed_hosts=site.removeprefix("http://"),
    )


@pytest.fixture
async def desk(database: Database, settings: Settings, eventually: Eventually) -> AsyncIterator[Desk]:
    async with working(settings):
        yield Desk(database, eventually)


async def test_a_document_becomes_searchable_spans_of_its_text(desk: Desk) -> None:
    job = await desk.ingest(handbook(), "manual.md", title="Manual")
    assert (job.status, job.outcome, job.title) == ("COMPLETED", "indexed", "Manual")
    row = await desk.one(
        """SELECT count(*) AS chunks, count(e) AS vectors,
                  bool_and(body = substr(canonical_text, start_offset::int + 1, length(body))),
                  bool_and(length(body) = end_offset - start_offset)
           FROM ai.chunks c JOIN ai.document_versions v ON v.id = c.version_id
           LEFT JOIN ai.embeddings e ON e.chunk_id = c.id"""
    )
    assert row == (job.chunk_count, job.chunk_count, True, True)
    assert job.chunk_count >= 12


async def test_the_same_bytes_do_nothing_and_changed_ones_embed_only_what_changed(desk: Desk) -> None:
    first = await desk.ingest(handbook(), "manual.md")
    again = await desk.ingest(handbook(), "manual.md")
    assert (again.outcome, again.embedded_count) == ("unchanged", 0)
    changed = await desk.ingest(handbook(**{"Seção 5": "O procedimento mudou por completo."}), "manual.md")
    assert changed.outcome == "indexed"
    assert 0 < changed.embedded_count < first.embedded_count / 4
    versions = await desk.one(
        "SELECT count(*), count(DISTINCT document_id), max(number) FROM ai.document_versions"
    )
    assert versions == (2, 1, 2)
    stale = await desk.one(
        "SELECT count(*) FROM ai.chunks c JOIN ai.documents d ON d.id = c.document_id "
        "WHERE c.version_id <> d.current_version_id"
    )
    assert stale == (0,)


async def test_what_was_handed_in_last_wins(
    database: Database, settings: Settings, eventually: Eventually
) -> None:
    desk = Desk(database, eventually)
    older = await desk.hand_in(b"Vale a regra antiga.", "regra.txt", priority=200)
    newer = await desk.hand_in(b"Vale a regra nova.", "regra.txt", priority=1)
    one_at_a_time = settings.model_copy(update={"queue_batch": 1})
    async with working(one_at_a_time):
        assert (await desk.ended(newer)).outcome == "indexed"
        assert (await desk.ended(older)).outcome == "superseded"
    assert await desk.one("SELECT body FROM ai.chunks") == ("Vale a regra nova.",)


async def test_statistics_stay_exact_when_many_workers_index_the_same_namespace(
    database: Database, settings: Settings, eventually: Eventually
) -> None:
    desk = Desk(database, eventually)
    async with working(settings), working(settings), working(settings):
        jobs = [
            await desk.hand_in(handbook(extra=f"Termo{n % 4} comum."), f"doc{n % 5}.md") for n in range(30)
        ]
        assert {(await desk.ended(job)).status for job in jobs} == {"COMPLETED"}
    assert await desk.one("SELECT chunk_count = (SELECT count(*) FROM ai.chunks) FROM ai.namespaces") == (
        True,
    )
    wrong = await desk.one(
        """SELECT count(*) FROM ai.terms t FULL JOIN (
               SELECT term, count(*) AS df FROM ai.chunks, unnest(tsvector_to_array(lexemes)) AS term
               WHERE term NOT LIKE '#%' GROUP BY term) AS x USING (term)
           WHERE t.document_frequency IS DISTINCT FROM x.df"""
    )
    assert wrong == (0,)


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"%PDF-1.7 broken", "a.pdf", "document_broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.png", "unsupported_media_type"),
        (b"   \n\n ", "a.txt", "document_empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "unsupported_media_type"),
    ],
)
async def test_what_cannot_be_read_fails_at_once_with_a_code(
    desk: Desk, data: bytes, name: str, code: str
) -> None:
    job = await desk.ingest(data, name)
    assert (job.status, job.code, job.failures) == ("FAILED", code, 1)


async def test_addresses_are_fetched(desk: Desk, site: str) -> None:
    job = await desk.ingest(None, f"{site}/aviso.html")
    assert (job.status, job.code, job.title) == ("COMPLETED", None, "Aviso")
    assert (await desk.ingest(None, f"{site}/gone")).code == "source_not_found"


async def test_a_source_that_is_down_is_asked_again(desk: Desk, site: str, eventually: Eventually) -> None:
    identifier = await desk.hand_in(None, f"{site}/broken")

    async def failed_once() -> bool:
        return bool((await desk.job(identifier)).failures)

    await eventually(failed_once)
    assert (await desk.job(identifier)).code == "source_unavailable"
    job = await desk.ended(identifier)
    assert (job.status, job.failures) == ("FAILED", 2)


async def test_private_addresses_are_refused(desk: Desk) -> None:
    job = await desk.ingest(None, "http://169.254.169.254/latest/meta-data/")
    assert (job.status, job.code, job.failures) == ("FAILED", "url_not_allowed", 1)
