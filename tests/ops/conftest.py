import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.cli import main
from tests.ops.stub_product import KEY, Product, serving


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    prepared = Product()
    with serving(prepared) as base:
        monkeypatch.setenv("COGEP_INGESTION_URL", base)
        monkeypatch.setenv("COGEP_AGENT_URL", base)
        monkeypatch.setenv("COGEP_API_KEY", KEY)
        monkeypatch.setenv("COGEP_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.chdir(tmp_path)
        yield prepared


@pytest.fixture
def cogep(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cogep", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert isinstance(code, int | None)
        return code or 0

    return run
