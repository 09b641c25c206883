import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.timeout(0)
def test_the_document_is_the_truth(server: str, key: str, examples: int, tmp_path: Path) -> None:
    """All that schemathesis can check: examples, the edges of each schema, random data, chains of calls."""
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "--config-file", CONFIGURATION),
            *("run", f"{server}/openapi.json"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--generation-with-security-parameters", "false"),
            *("--max-examples", str(examples)),
            *("--request-timeout", "30"),
            *("--suppress-health-check", "all"),
            *("--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
