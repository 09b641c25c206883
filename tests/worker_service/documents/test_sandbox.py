import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import uvloop

from core.errors import JobError
from tests.worker_service.documents.samples import docx, docx_body, kinds_and_texts, locked_pdf, pdf, xlsx
from worker_service.documents import child, sandbox
from worker_service.documents.sandbox import ParseLimits, extract_safely
from worker_service.documents.sniff import MediaType

LIMITS = ParseLimits(timeout_seconds=30)
HEAVY = docx_body("".join(f"<w:p><w:r><w:t>{n * 7_919}</w:t></w:r></w:p>" for n in range(1_000_000)))
PAGE = b"<title>T</title><h1>Um</h1><p>dois</p>"


def children() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if "worker_service.documents.child" in child.cmdline()
    ]


async def started_child() -> psutil.Process:
    for _ in range(5_000):
        if found := children():
            return found[0]
        await asyncio.sleep(0.002)
    raise AssertionError("no child was started")


async def code_of(data: bytes, media_type: MediaType, limits: ParseLimits) -> str:
    with pytest.raises(JobError) as refusal:
        await extract_safely(data, media_type, limits=limits)
    return refusal.value.code


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PAGE, MediaType.HTML),
        (docx(("Heading 1", "Um"), ("Normal", "dois")), MediaType.DOCX),
        (xlsx({"P": [["Um", "dois"], ["a", "b"]]}), MediaType.XLSX),
        (pdf(["Um"]), MediaType.PDF),
        (b"# Um", MediaType.MARKDOWN),
        ("é".encode() * 600_000, MediaType.TEXT),
    ],
)
async def test_every_format_comes_back_as_if_parsed_here(data: bytes, media_type: MediaType) -> None:
    from worker_service.documents.extract import extract

    assert await extract_safely(data, media_type, limits=LIMITS) == extract(data, media_type)
    assert children() == []


async def test_refusals_of_the_parser_come_back() -> None:
    assert await code_of(locked_pdf("x"), MediaType.PDF, LIMITS) == "document_encrypted"
    assert await code_of(pdf([]), MediaType.PDF, LIMITS) == "document_empty"
    assert await code_of(b"PK\x03\x04", MediaType.DOCX, LIMITS) == "document_broken"


async def test_lone_surrogates_do_not_break_the_answer() -> None:
    extracted = await extract_safely(b"<p>a&#xD800;b&#0;c</p>", MediaType.HTML, limits=LIMITS)
    assert extracted.blocks[0].text.startswith("a")


async def test_a_parser_that_eats_memory_dies_alone() -> None:
    limits = ParseLimits(timeout_seconds=60, memory_bytes=250_000_000)
    assert await code_of(HEAVY, MediaType.DOCX, limits) == "parser_limit"
    assert (await extract_safely(PAGE, MediaType.HTML, limits=LIMITS)).title == "T"


async def test_a_parser_that_takes_too_long_is_killed() -> None:
    assert await code_of(HEAVY, MediaType.DOCX, ParseLimits(timeout_seconds=0.3)) == "parser_limit"
    assert children() == []


async def test_an_answer_that_is_too_large_is_refused() -> None:
    page = b"<p>oi" * 10_000
    assert await code_of(page, MediaType.HTML, ParseLimits(output_bytes=10_000)) == "parser_limit"
    assert children() == []


async def test_a_parser_that_is_killed_is_a_limit() -> None:
    task = asyncio.create_task(extract_safely(HEAVY, MediaType.DOCX, limits=LIMITS))
    (await started_child()).kill()
    with pytest.raises(JobError, match="parser_limit"):
        await task


async def test_cancelling_leaves_no_child() -> None:
    task = asyncio.create_task(extract_safely(HEAVY, MediaType.DOCX, limits=LIMITS))
    await started_child()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


async def test_no_parser_at_all_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(JobError) as refusal:
        await extract_safely(PAGE, MediaType.HTML, limits=LIMITS)
    assert (refusal.value.code, refusal.value.retryable) == ("parser_unavailable", True)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_works_in_a_loop_of_another_thread(new_loop: type[asyncio.AbstractEventLoop]) -> None:
    answers: list[object] = []

    def work() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            answers.append(kinds_and_texts(runner.run(extract_safely(PAGE, MediaType.HTML, limits=LIMITS))))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert answers == [[("heading", "Um"), ("paragraph", "dois")]]


def test_the_child_sees_no_environment_and_few_files(tmp_path: Path) -> None:
    script = (
        "import os, sys; from worker_service.documents import child; child._limit(500_000_000, 5)\n"
        f"try: open({str(tmp_path / 'x')!r}, 'wb', buffering=0).write(b'x')\n"
        "except OSError: print('no file')\n"
        "print(sorted(set(os.environ) - {'LC_CTYPE'}))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", script],
        env=sandbox._ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split("\n")[:2] == ["no file", "[]"]


def test_the_child_ends_with_its_parent() -> None:
    arguments = [
        MediaType.DOCX,
        2_000_000_000,
        60,
        len(HEAVY),
    ]
    child = subprocess.Popen(
        [sys.executable, "-I", "-m", "worker_service.documents.child", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    child.stdin.write(HEAVY)
    child.stdin.close()
    assert child.wait(timeout=30) != 0
    assert child.stdout
    assert child.stdout.read() == b""
    child.stdout.close()


def test_only_the_needed_parser_is_imported() -> None:
    script = (
        "import sys; from worker_service.documents.extract import extract; extract(b'<p>x', 'text/html')\n"
        "print({'pypdf', 'openpyxl', 'docx', 'pydantic', 'httpx', 'asyncio'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_answer_is_json_of_a_document_or_of_a_refusal() -> None:
    assert json.loads(child._answer("<p>ação".encode(), MediaType.HTML)) == {
        "title": None,
        "blocks": [["paragraph", "ação", 0, None]],
    }
    assert json.loads(child._answer(b"PK", MediaType.DOCX))["code"] == "document_broken"
