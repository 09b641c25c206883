"""Parses files that may be hostile in a child process that can be killed; the worker outlives any of them."""

import asyncio
import json
import math
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass

from core.errors import JobError
from worker_service.documents.extract import Block, Extracted, Kind, extract
from worker_service.documents.sniff import MediaType

IN_PROCESS_BYTES = 250_000
_IN_PROCESS = frozenset({MediaType.TEXT, MediaType.MARKDOWN, MediaType.JSON, MediaType.CSV})
_READ_BYTES = 65_536
_ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows needs it


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Bounds of one parse: wall and CPU seconds, address space in bytes, size of the answer in bytes."""

    timeout_seconds: float = 60
    memory_bytes: int = 1_073_741_824
    output_bytes: int = 64_000_000


async def extract_safely(data: bytes, media_type: MediaType, *, limits: ParseLimits) -> Extracted:
    """The title and blocks of `data`. Up to 250 kB of text are parsed on a thread, all else in a child.

    Raises JobError only: those of `extract`, and `parser_limit` when the child exceeds a limit or dies. A
    cancelled call kills its child before it returns.
    """
    if media_type in _IN_PROCESS and len(data) <= IN_PROCESS_BYTES:
        try:
            return await asyncio.to_thread(extract, data, media_type)
        except MemoryError as error:
            raise _limit_error() from error
    return await _extract_in_child(data, media_type, limits)


async def _extract_in_child(data: bytes, media_type: MediaType, limits: ParseLimits) -> Extracted:
    process = await _start(len(data), media_type, limits)
    try:
        async with asyncio.timeout(limits.timeout_seconds):
            answer = await _converse(process, data, limits.output_bytes)
            exit_code = await process.wait()
    except TimeoutError as error:
        raise _limit_error() from error
    finally:
        await _end(process)
    if exit_code:
        raise _limit_error()
    return await asyncio.to_thread(_understand, answer)


async def _start(length: int, media_type: MediaType, limits: ParseLimits) -> Process:
    """`-I`: environment and working folder do not say what the child imports; no secret reaches it."""
    arguments = (media_type, limits.memory_bytes, math.ceil(limits.timeout_seconds), length)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", "-X", "utf8", "-m", "worker_service.documents.child"),
            *map(str, arguments),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise JobError("parser_unavailable", "No parser could be started.", retryable=True) from error


async def _converse(process: Process, data: bytes, output_bytes: int) -> bytes:
    """Sends `data`, then reads to the end; stdin stays open, for the child ends when it closes."""
    assert process.stdin
    assert process.stdout
    with suppress(ConnectionError):
        process.stdin.write(data)
        await process.stdin.drain()
    answer = bytearray()
    while piece := await process.stdout.read(_READ_BYTES):
        answer += piece
        if len(answer) > output_bytes:
            raise _limit_error()
    return bytes(answer)


async def _end(process: Process) -> None:
    """Kills what still runs and waits for it, cancelled or not: no orphan, no zombie."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    if process.stdin:
        process.stdin.close()
    await asyncio.shield(process.wait())


def _understand(answer: bytes) -> Extracted:
    try:
        document = json.loads(answer)
        if "code" in document:
            raise JobError(document["code"], document["detail"])
        blocks = tuple(Block(Kind(kind), text, level, page) for kind, text, level, page in document["blocks"])
        return Extracted(document["title"], blocks)
    except (ValueError, TypeError, KeyError) as error:
        raise _limit_error() from error


def _limit_error() -> JobError:
    return JobError("parser_limit", "The document needs more time or memory than a document may take.")
