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
# CPF, CNPJ, e-mail, phone, our keys, bearer tokens: what must not be found in a log line.
PERSONAL = re.compile(
    r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"
    r"|\b[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/[0-9A-Z]{4}-?\d{2}\b"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
    r"|\+?\b55\s?\(?\d{2}\)?\s?9?\d{4}[- ]?\d{4}\b"
    r"|\bcgp_[a-z]+_\w{10}_[\w-]{43}"
    r"|\bBearer\s+\S+"
)

Event = MutableMapping[str, Any]


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Drop values under secret keys, and anything in text that looks like a person or a secret."""
    return {key: REDACTED if key.lower() in SECRET_KEYS else _scrub(value) for key, value in event.items()}


def _scrub(value: Any) -> Any:
    return PERSONAL.sub(REDACTED, value) if isinstance(value, str) else value


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
