"""The parser child: limits itself, reads one document from stdin, writes its blocks as JSON, ends.

Started by `sandbox` only. Imports nothing heavy before the limits hold, and only the one parser it needs.
"""

import json
import os
import sys
import threading
from typing import BinaryIO

from core.errors import JobError

OK_EXIT = 0
LIMIT_EXIT = 70
MAX_OPEN_FILES = 64


def main() -> int:
    """Arguments: media type, memory in bytes, CPU seconds, document length in bytes."""
    media_type, memory, cpu_seconds, length = sys.argv[1], *map(int, sys.argv[2:5])
    out = _own_stdout()
    _limit(memory, cpu_seconds)
    data = sys.stdin.buffer.read(length)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        answer = _answer(data, media_type)
    except MemoryError:
        return LIMIT_EXIT
    out.write(answer)
    out.close()
    return OK_EXIT


def _answer(data: bytes, media_type: str) -> bytes:
    from worker_service.documents.extract import extract

    try:
        document: dict[str, object] = extract(data, media_type)._asdict()
    except JobError as error:
        document = {"code": error.code, "detail": error.detail}
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _own_stdout() -> BinaryIO:
    """A private stream for the answer: whatever a parser prints goes nowhere."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def _limit(memory: int, cpu_seconds: int) -> None:
    """Windows has no such limits: there the parent's deadline alone holds."""
    try:
        import resource
    except ImportError:
        return
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _die_with_parent() -> None:
    """The parent keeps our stdin open while it lives; its end, even by SIGKILL, is ours."""
    os.read(0, 1)
    os._exit(LIMIT_EXIT)


if __name__ == "__main__":
    os._exit(main())  # no clean-up: nothing here outlives the process, and the thread above waits on stdin
