import time

from core.ids import uuid7


def test_ids_are_version_7_and_carry_the_time() -> None:
    before = time.time_ns() // 1_000_000
    identifiers = [uuid7() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {(i.version, i.variant) for i in identifiers} == {(7, "specified in RFC 4122")}
    assert all(before <= i.int >> 80 <= after for i in identifiers)
    assert len(set(identifiers)) == 1000
