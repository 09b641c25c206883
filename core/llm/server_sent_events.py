"""The little of server-sent events that language models speak: the data of each event."""

from collections.abc import AsyncIterator

LARGEST_EVENT = 1_000_000


class Malformed(ValueError):
    """What came is not a stream of events."""


async def data_of_events(body: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The `data` lines of a body, one by one. Raises Malformed for endless lines and broken UTF-8."""
    rest = b""
    async for piece in body:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LARGEST_EVENT:
            raise Malformed("endless line")
        for line in lines:
            if line.startswith(b"data:"):
                yield _text(line)
    if rest.startswith(b"data:"):
        yield _text(rest)


def _text(line: bytes) -> str:
    try:
        return line[5:].decode().strip()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
