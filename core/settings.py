"""Every setting of the product, read once from the environment (or `.env`) and frozen."""

import base64
import binascii
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PLACEHOLDERS = frozenset({"", "postgres", "password", "changeme", "change-me", "secret", "cogep", "redis"})
FIELD_KEY_BYTES = 32
LEAST_SECRET = 32
LEAST_VARIETY = 10  # different bytes; 32 random ones have more with all but certainty


class Environment(StrEnum):
    """Where we run; `prod` refuses placeholders that `dev` and `test` accept."""

    DEV = "dev"
    TEST = "test"
    PROD = "prod"


class EmbeddingProvider(StrEnum):
    """Who turns text into vectors."""

    HASHED_NGRAMS = "hashed_ngrams"
    OPENAI_COMPATIBLE = "openai_compatible"
    FASTEMBED = "fastembed"


class Settings(BaseSettings):
    """Names in the environment are `COGEP_<FIELD>`, but for `DATABASE_URL` and `REDIS_URL`."""

    model_config = SettingsConfigDict(
        env_prefix="COGEP_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # one wrong setting must not print all the others, passwords included
    )

    env: Environment = Environment.DEV
    log_level: str = "INFO"
    log_json: bool = True

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    database_pool_size: int = Field(10, ge=1, le=100)
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")

    field_keys: SecretStr | None = Field(
        None, description="comma-separated id:base64 of 32 bytes; the first seals, all of them open"
    )
    match_secret: SecretStr | None = Field(
        None, description="what CPF, CNPJ and the like are found by; changing it loses every match"
    )

    token_secret: SecretStr | None = Field(
        None, description="what people's access tokens are signed with; changing it ends every session"
    )

    max_body_bytes: int = Field(1_000_000, ge=1_000)
    max_upload_bytes: int = Field(25_000_000, ge=1_000)

    rate_limit: int = Field(12_000, ge=1, description="calls a minute of one principal to one route")
    rate_limit_submit: int = Field(60_000, ge=1, description="the same, where documents and messages come in")
    rate_limit_address: int = Field(6_000, ge=1, description="the same of one address, where no key is asked")
    max_in_flight: int = Field(1_000, ge=1, description="requests at work in one process; more are shed")

    queue_lease_seconds: float = Field(30, ge=1, description="how long a silent worker keeps its jobs")
    queue_poll_seconds: float = Field(1, gt=0, description="the net under lost wake-ups")
    queue_batch: int = Field(16, ge=1, le=1000, description="jobs claimed at once")
    queue_max_attempts: int = Field(5, ge=1, le=100)
    queue_grace_seconds: float = Field(8, ge=0, description="what a stopping worker lets its jobs have")
    job_timeout_seconds: float = Field(600, gt=0)

    fetch_max_bytes: int = Field(25_000_000, ge=1_000)
    fetch_timeout_seconds: float = Field(30, gt=0)
    fetch_allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="comma-separated private hosts (host or host:port) that may be fetched"
    )
    webhook_allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(),
        description="comma-separated private hosts (host or host:port) that may be told of events",
    )
    webhook_timeout_seconds: float = Field(15, gt=0, le=60)
    webhook_disable_after_days: float = Field(
        5, gt=0, description="how long a receiver may fail before it is called no more"
    )
    parse_timeout_seconds: float = Field(60, gt=0)
    parse_memory_bytes: int = Field(1_073_741_824, ge=134_217_728)

    embedding_provider: EmbeddingProvider = EmbeddingProvider.HASHED_NGRAMS
    embedding_base_url: str | None = None
    embedding_api_key: SecretStr | None = None
    embedding_model: str | None = None
    embedding_model_path: str | None = Field(None, description="folder of a local fastembed model")
    embedding_batch: int = Field(64, ge=1, le=2048)
    embedding_query_prefix: str = ""
    embedding_passage_prefix: str = ""
    embedding_timeout_seconds: float = Field(30, gt=0)

    llm_base_url: str | None = Field(None, description="absent: the built-in extractive answerer")
    llm_api_key: SecretStr | None = None
    llm_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated, tried in order; the extractive answerer is always the last"
    )
    llm_timeout_seconds: float = Field(60, gt=0)
    llm_max_tokens: int = Field(800, ge=1)
    answer_link_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="comma-separated hosts whose https links may stand in answers"
    )

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, data: dict[str, object]) -> dict[str, object]:
        for name in ("fetch_allowed_hosts", "webhook_allowed_hosts", "llm_models", "answer_link_hosts"):
            if isinstance(value := data.get(name), str):
                data[name] = [item.strip() for item in value.split(",") if item.strip()]
        return data

    @model_validator(mode="after")
    def _refuse_placeholders_in_production(self) -> Self:
        if self.env is not Environment.PROD:
            return self
        for name, url in (("DATABASE_URL", self.database_url), ("REDIS_URL", self.redis_url)):
            if url is not None and (urlsplit(url.get_secret_value()).password or "") in PLACEHOLDERS:
                raise ValueError(f"{name} has no password or a placeholder password")
        return self

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        """Malformed ones are refused everywhere, missing and guessable ones in production."""
        keys, secret = self.parsed_field_keys, self.match_secret
        if self.env is Environment.PROD:
            if not keys or any(len(set(key)) < LEAST_VARIETY for key in keys.values()):
                raise ValueError("COGEP_FIELD_KEYS is missing or a placeholder")
            if secret is None or _is_guessable(secret.get_secret_value()):
                raise ValueError("COGEP_MATCH_SECRET is missing, shorter than 32 characters or a placeholder")
            if self.token_secret is None or _is_guessable(self.token_secret.get_secret_value()):
                raise ValueError("COGEP_TOKEN_SECRET is missing, shorter than 32 characters or a placeholder")
        return self

    @property
    def parsed_field_keys(self) -> dict[str, bytes]:
        """Key id to key, in the order given."""
        text = self.field_keys.get_secret_value() if self.field_keys else ""
        return dict(_field_key(item.strip()) for item in text.split(",") if item.strip())


def _field_key(item: str) -> tuple[str, bytes]:
    name, _, encoded = item.partition(":")
    try:
        key = base64.b64decode(encoded, altchars=b"-_" if set("-_") & set(encoded) else None, validate=True)
    except binascii.Error:
        key = b""
    if not (name.isalnum() and name.isascii() and len(name) <= LEAST_SECRET and len(key) == FIELD_KEY_BYTES):
        raise ValueError("COGEP_FIELD_KEYS wants id:base64 of 32 bytes, ids of letters and digits")
    return name, key


def _is_guessable(secret: str) -> bool:
    return len(secret) < LEAST_SECRET or len(set(secret)) < LEAST_VARIETY


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError when they are incomplete."""
    return Settings()
