from pathlib import Path

import pytest
import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from core.settings import Settings
from ops.settings import OpsSettings

ROOT = Path(__file__).parents[2]
LINES = (ROOT / ".env.example").read_text().splitlines()
SET = dict(line.split("=", 1) for line in LINES if "=" in line and not line.startswith("#"))
PLACEHOLDERS = {
    line.removeprefix("# ").split("=", 1)[0]
    for line in LINES
    if line.startswith("# ") and line.split("=", 1)[0].removeprefix("# ").isupper()
}


def variables(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    return {
        str(field.validation_alias or f"COGEP_{name.upper()}"): field
        for name, field in settings.model_fields.items()
    }


FIELDS = variables(OpsSettings) | variables(Settings)


def test_every_setting_is_listed_once_and_nothing_else() -> None:
    assert set(SET) | PLACEHOLDERS == set(FIELDS)
    assert not set(SET) & PLACEHOLDERS


def test_what_has_no_default_is_a_placeholder() -> None:
    assert {
        name for name, field in FIELDS.items() if field.is_required() or field.default is None
    } == PLACEHOLDERS


@pytest.mark.parametrize("settings", [Settings, OpsSettings])
def test_the_values_are_the_defaults(settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere")
    defaults = settings(_env_file=None)
    assert settings(_env_file=ROOT / ".env.example") == defaults


def test_compose_passes_every_setting_on() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(compose["x-app"]["environment"]) == set(variables(Settings))
