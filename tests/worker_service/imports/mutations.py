"""Ways in which files come to harm. All drawn from one `Random`: a failure is repeated by its seed."""

import re
from collections.abc import Callable
from random import Random

BREAKS = re.compile(r"\r\n|\r|\n|\f")


def flip(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]


def insert(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return (
        data[:place] + random.choice((b"\x00", b"\n", b'"', b";", b"\f", b"\xc3", b" ", b"9")) + data[place:]
    )


def cut_out(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + data[place + random.randrange(1, 200) :]


def truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def repeat_line(data: bytes, random: Random) -> bytes:
    parts = data.split(b"\r\n")
    place = random.randrange(len(parts))
    return b"\r\n".join([*parts[:place], parts[place], *parts[place:]])


def swap_lines(data: bytes, random: Random) -> bytes:
    parts = data.split(b"\r\n")
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    return b"\r\n".join(parts)


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    flip,
    insert,
    cut_out,
    truncate,
    repeat_line,
    swap_lines,
)


def mutated(data: bytes, random: Random) -> bytes:
    for _ in range(random.randrange(1, 5)):
        data = random.choice(MUTATIONS)(data, random) or b" "
    return data
