"""One child process: its own session, its lines, its end."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from ops.runfile import end_session

LINE_BYTES = 1_000_000
LAST_LINES_SECONDS = 2.0


class Child:
    """A started process. Its output is a pipe of our own, for asyncio's would also wait for grandchildren."""

    def __init__(self, process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
        self._process = process
        self._reading = reading

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]
    ) -> Self:
        """Starts `command`; `say` gets each line it writes."""
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        return cls(process, asyncio.create_task(_copy_lines(read_end, say)))

    @property
    def pid(self) -> int:
        """Its process id, which is its session's too."""
        return self._process.pid

    async def wait(self) -> int:
        """Its exit code, once it and its whole session are gone: a killed parent leaves children behind."""
        code = await self._process.wait()
        end_session(self.pid)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reading, LAST_LINES_SECONDS)
        return code

    async def end(self, hurry: asyncio.Event, grace: float) -> None:
        """Asks it to end; ends it by force after `grace` seconds, or at once when in a hurry."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), grace)
        end_session(self.pid)


async def _copy_lines(descriptor: int, say: Callable[[str], None]) -> None:
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        while True:
            with suppress(ValueError):  # a line beyond LINE_BYTES: asyncio has dropped it
                line = await reader.readline()
                if not line:
                    return
                say(line.decode(errors="replace").rstrip())
    finally:
        transport.close()
