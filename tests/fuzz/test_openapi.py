import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.conftest import Fuzzed

EXAMPLES = os.environ.get("COGEP_FUZZ_EXAMPLES")
LONG = ("--max-examples", str(EXAMPLES))
SHORT = ("--max-examples", "2", "--phases", "examples,fuzzing,stateful", "--generation-deterministic")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def run(fuzzed: Fuzzed, *options: str) -> Counter[str]:
    """The answers by status, once schemathesis has found no fault."""
    program = Path(sys.executable).parent / "schemathesis"
    done = subprocess.run(
        [
            program,
            "--config-file",
            CONFIGURATION,
            "run",
            f"{fuzzed.url}/openapi.json",
            *options,
            "--no-color",
        ],
        cwd=CONFIGURATION.parent,
        env={**os.environ, **fuzzed.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    by_status: Counter[str] = Counter()
    for answer, times in json.loads(fuzzed.counted.read_text()).items():
        by_status[answer.rpartition(" ")[2]] += times
    print(dict(sorted(by_status.items())), done.stdout[done.stdout.find("= SUMMARY =") :])
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return by_status


@pytest.mark.timeout(0)
def test_the_document_is_the_truth(fuzzed: Fuzzed) -> None:
    """What schemathesis can check: examples, random data and chains of calls; `make fuzz`: all edges, too."""
    answers = run(fuzzed, *(LONG if EXAMPLES else SHORT))
    assert answers["200"] > 0
    assert not [status for status in answers if status >= "500"]
