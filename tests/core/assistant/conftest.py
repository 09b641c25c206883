from collections.abc import Callable
from itertools import count

import pytest

from core.ids import uuid7
from core.retrieval.passages import Passage


@pytest.fixture
def passage() -> Callable[..., Passage]:
    numbers = count(1)

    def make(
        text: str, *, header: str = "", start: int = 0, score: float = 1.0, coverage: float = 1.0
    ) -> Passage:
        number = next(numbers)
        return Passage(
            chunk_id=number,
            document_id=uuid7(),
            version_id=number,
            version=1,
            title=header or f"Documento {number}",
            source=f"file://{number}",
            header=header,
            text=text,
            start=start,
            end=start + len(text),
            score=score,
            coverage=coverage,
        )

    return make
