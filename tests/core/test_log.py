import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from core import log
from tests.patience import time_limit


@pytest.mark.parametrize(
    "value",
    [
        "cpf 529.982.247-25",
        "cpf 52998224725",
        "cnpj 12.ABC.345/01DE-35",
        "mail maria.souza+x@exemplo.com.br",
        "fone +55 11 98765-4321",
        "fone 5511987654321",
        "Authorization: Bearer abc.def",
        "cgp_dev_abcdefghij_" + "A" * 43,
        "fone (11) 98765-4321",
        "sk-abcdefghijklmnopqrstuvwxyz",
        "redis://:s3cr3t@redis:6379/0",
        "postgresql://cogep:s3cr3t@postgres/cogep",
        "DETAIL:  Key (email)=(maria) already exists.",
        "DETAIL:  Failing row contains (1, Maria\nda Silva, x).",
        "input_value='maria da silva', input_type=str",
    ],
)
@pytest.mark.parametrize("wrap", [str, ValueError, lambda text: {"a": [(text,)]}, lambda text: {text: 1}])
def test_it_is_redacted_however_deep_it_lies(value: str, wrap: Callable[[str], Any]) -> None:
    written = json.dumps(log.redact(None, "info", {"event": wrap(value)}))
    assert log.REDACTED in written
    for personal in ("529", "s3cr3t", "maria", "Maria", "da Silva", "4321", "AAAA", "abc.def", "ABC", "mnop"):
        assert personal not in written


@pytest.mark.parametrize("piece", ["a", "a.", "a-", "1", "1.", "_", "é", "a@", "://", "Bearer ", "DETAIL: "])
def test_a_hostile_line_is_scrubbed_in_no_time(piece: str) -> None:
    with time_limit(10):  # some 5 ms when the work is linear, minutes when it is not
        log.redact(None, "info", {"event": piece * (200_000 // len(piece))})


def test_a_line_cannot_command_the_terminal() -> None:
    assert log.redact(None, "info", {"event": "a\x1b[2Jb\rc"})["event"] == "a\ufffd[2Jb\ufffdc"


@pytest.mark.parametrize(
    "value",
    [
        "cpf 529.982.247-25",
        "mail maria.souza+x@exemplo.com.br",
        "fone 5511987654321",
    ],
)
def test_what_looks_like_a_person_or_a_secret_is_redacted(value: str) -> None:
    event = log.redact(None, "info", {"event": value})
    assert log.REDACTED in event["event"]
    assert value.split(maxsplit=1)[-1] not in event["event"]


def test_secret_keys_are_dropped_and_the_rest_stays() -> None:
    assert log.redact(None, "info", {"password": "x", "job_id": 7, "event": "job 7 done"}) == {
        "password": log.REDACTED,
        "job_id": 7,
        "event": "job 7 done",
    }


def test_both_logging_worlds_come_out_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        log.configure(level="INFO", as_json=True)
        structlog.get_logger("a").info("hello", n=1)
        logging.getLogger("b").warning("from %s", "the standard library")
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    assert [(line["event"], line["level"]) for line in lines] == [
        ("hello", "info"),
        ("from the standard library", "warning"),
    ]
