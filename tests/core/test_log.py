import json
import logging

import pytest
import structlog

from core import log


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
