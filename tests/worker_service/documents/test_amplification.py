import pytest

from tests.patience import time_limit
from worker_service.documents.extract import extract
from worker_service.documents.sandbox import IN_PROCESS_BYTES
from worker_service.documents.sniff import MediaType

HALF = IN_PROCESS_BYTES // 2 - 10


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        (MediaType.CSV, b"h" * HALF + b";b\n" + b"1;2\n" * (HALF // 4)),
        (MediaType.CSV, b";".join(b"%d" % n for n in range(HALF // 7)) + b";a\n" + b"1;2\n" * (HALF // 4)),
        (MediaType.CSV, b";".join(b"n%d" % n for n in range(HALF // 7)) + b"\n" + b"1;2\n" * (HALF // 4)),
        (MediaType.MARKDOWN, b"|" + b"h" * HALF + b"|b|\n|-|-|\n" + b"|1|2|\n" * (HALF // 6)),
        (MediaType.JSON, b'{"%s": {%s}}' % (b"k" * HALF, b",".join(b'"%d":1' % n for n in range(10_000)))),
        (MediaType.JSON, b'{"%s": [%s]}' % (b"k" * HALF, b",".join([b"[1]"] * 30_000))),
        (MediaType.TEXT, b"a\n" * HALF),
    ],
)
def test_no_small_document_becomes_a_large_one(media_type: MediaType, data: bytes) -> None:
    assert len(data) <= IN_PROCESS_BYTES, "larger ones are parsed in a child with limits"
    with time_limit(20):
        blocks = extract(data, media_type).blocks
    assert sum(len(block.text) for block in blocks) < 50 * len(data)
