import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.processes import product
from ops.settings import OpsSettings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
PRODUCT = {process.name: process for process in product(OpsSettings(_env_file=None))}
WHERE = ("--host", "--port")


def essence(command: list[str]) -> list[str]:
    """A command without what rightly differs from place to place."""
    return [part for before, part in zip(["", *command], command, strict=False) if before not in WHERE]


@pytest.mark.parametrize("name", PRODUCT)
def test_a_process_is_the_same_wherever_it_is_written(name: str) -> None:
    _python, dash_m, *command = PRODUCT[name].command
    assert dash_m == "-m"
    assert essence(shlex.split(PROCFILE[name])) == essence(command) == essence(SERVICES[name]["command"])


@pytest.mark.parametrize("name", ["ingestion", "agent"])
def test_an_api_does_not_say_what_serves_it(name: str) -> None:
    assert "--no-server-header" in PRODUCT[name].command


def test_no_process_is_forgotten() -> None:
    assert set(PROCFILE) == set(PRODUCT) == set(SERVICES) - {"postgres", "redis", "migrate"}


def test_the_image_runs_the_agent_by_default() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert yaml.safe_load(command) == SERVICES["agent"]["command"]


def test_every_container_of_ours_is_one_image_hardened_and_after_the_migration() -> None:
    for name in {*PRODUCT, "migrate"}:
        service = SERVICES[name]
        assert service["image"].startswith("cogep-assist:")
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        conditions = {key: value["condition"] for key, value in service["depends_on"].items()}
        expected = {"postgres": "service_healthy"} | (
            {}
            if name == "migrate"
            else {"redis": "service_healthy", "migrate": "service_completed_successfully"}
        )
        assert conditions == expected
    assert re.search(r"^USER 10001", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{(\w*PASSWORD)([^}]*)\}", text)
    assert {name for name, _ in used} == {"POSTGRES_PASSWORD", "COGEP_DATABASE_PASSWORD", "REDIS_PASSWORD"}
    assert all(rule.startswith(":?") for _, rule in used)


def test_only_the_apis_are_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"ingestion", "agent"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["data"]["internal"]
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["data"]


def test_every_named_thing_of_compose_exists() -> None:
    for name, service in SERVICES.items():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert "healthcheck" in service, name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()


def test_the_image_gets_every_file_it_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = re.findall(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert {name.strip('" ') for name in packages.split(",")} <= allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_the_targets_of_ci_are_the_makefiles() -> None:
    steps = (ROOT / ".github" / "workflows" / "ci.yml").read_text() + (ROOT / ".ci" / "run").read_text()
    targets = set(re.findall(r"make (\w+)", steps))
    assert targets == {"check", "test"}
    promised = ["help", "run", "stop", "bench", "chaos", "fuzz", "migrate", "revision", "fmt"]
    subprocess.run(["make", "-n", "m=x", "PYTHON=python3", *targets, *promised], cwd=ROOT, check=True)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
