from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli.app import app
from tests.worker_service.imports.damage import open_lead_file, open_payroll
from worker_service.imports.layouts.rows import Row


@pytest.mark.parametrize("layout", ["inetconsig", "leads", "leads-xlsx"])
def test_a_sample_is_read_whole(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "exemplo"
    made = CliRunner().invoke(app, ["imports", "sample", str(path), "--layout", layout, "--rows", "7"])
    assert made.exit_code == 0, made.output
    read = open_payroll if layout == "inetconsig" else open_lead_file
    outcomes = list(read(path.read_bytes()).outcomes())
    assert len(outcomes) == 7
    assert all(isinstance(outcome, Row) for outcome in outcomes)
