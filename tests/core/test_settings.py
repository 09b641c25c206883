from typing import Any

import pytest
from pydantic import ValidationError

from core.settings import Environment, Settings


def make(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_a_database_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError, match="DATABASE_URL"):
        make()


@pytest.mark.parametrize("password", ["", "postgres", "changeme", "cogep"])
def test_production_refuses_placeholder_passwords(password: str) -> None:
    url = f"postgresql://app:{password}@db/cogep"
    assert make(DATABASE_URL=url, env=Environment.DEV)
    with pytest.raises(ValidationError, match="placeholder"):
        make(DATABASE_URL=url, env=Environment.PROD)


def test_lists_come_from_comma_separated_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COGEP_LLM_MODELS", "a, b,,c")
    monkeypatch.setenv("COGEP_FETCH_ALLOWED_HOSTS", "wiki.local:8080")
    settings = make(DATABASE_URL="postgresql://h/d")
    assert settings.llm_models == ("a", "b", "c")
    assert settings.fetch_allowed_hosts == {"wiki.local:8080"}


@pytest.mark.parametrize("wrong", [{"COGEP_QUEUE_BATCH": "many"}, {"COGEP_ENV": "prod"}])
def test_a_wrong_setting_does_not_print_the_others(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    secrets = {
        "DATABASE_URL": "postgresql://u:hunter2@h/d",
        "REDIS_URL": "redis://redis",
        "COGEP_LLM_API_KEY": "hunter2",
    }
    for name, value in {**secrets, **wrong}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as failed:
        make()
    assert "hunter2" not in str(failed.value)
    assert "input_value" not in str(failed.value)


def test_secrets_do_not_show() -> None:
    settings = make(DATABASE_URL="postgresql://u:hunter2hunter2@h/d")
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
