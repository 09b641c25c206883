"""Structured logs that carry no personal data: JSON for machines, short lines for people."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

REDACTED = "[redacted]"
SECRET_KEYS = frozenset(
    {"authorization", "password", "secret", "token", "api_key", "cookie", "content", "text", "question"}
)
# What must not be found in a log line. Repetitions are bounded: a hostile line costs no more than a long one.
PERSONAL = re.compile(
    r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"  # CPF
    r"|\b[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/[0-9A-Z]{4}-?\d{2}\b"  # CNPJ
    r"|(?<=://)[^\s/@]{1,256}@"  # the password in an address
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|\+?\b55\s?\(?\d{2}\)?\s?9?\d{4}[- ]?\d{4}\b"
    r"|\(\d{2}\)\s?9?\d{4}[- ]?\d{4}\b"
    r"|\bcgp_[a-z]{2,8}_\w{10}_[\w-]{43}"
    r"|\bcgr_\w{64}"
    r"|\beyJ[\w-]{8,2048}\.[\w-]{8,4096}\.[\w-]{8,256}"
    r"|\bsk-[\w-]{16,256}"
    r"|\bBearer\s{1,8}\S{1,4096}"
    # What Postgres and pydantic say of an error quotes the row or the input.
    r"|\bDETAIL:\s{1,4}(?:Failing row contains [\s\S]{0,20000}?\)\.(?=\n|$)|[^\n]{1,20000})"
    r"|\binput_value=[\s\S]{0,2000}?(?=, input_type=)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # a terminal would obey them

Event = MutableMapping[str, Any]


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Drop values under secret keys, and anything that reads like a person or a secret, however deep."""
    return {
        key: value if key.startswith("_") else _member(key, value)  # structlog's own members are not written
        for key, value in event.items()
    }


def _member(key: object, value: Any) -> Any:
    return REDACTED if str(key).lower() in SECRET_KEYS else _scrub(value)


def _scrub(value: Any) -> Any:
    """Whatever is no plain value would be written as its `repr`, hence is scrubbed as that."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {_scrub(str(key)): _member(key, item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrub(item) for item in value]
        case _:
            text = value if isinstance(value, str) else repr(value)
            return _CONTROLS.sub("\ufffd", PERSONAL.sub(REDACTED, text))


def configure(*, level: str = "INFO", as_json: bool = True) -> None:
    """Set up logging of this process, the standard library's loggers included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "uvicorn.access",
        "httpx",
        "httpcore",
        "celery.app.trace",
        "celery.worker.strategy",
        "celery.beat",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
