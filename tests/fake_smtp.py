"""A mail server on 127.0.0.1 that keeps what it is given, and answers the envelope as it is told."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class FakeSmtp:
    """`refusals` are said to RCPT TO, first to last; then everybody is welcome."""

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        try:
            await say("220 fake")
            while line := (await reader.readline()).decode().strip():
                match line.split(maxsplit=1)[0].upper():
                    case "DATA":
                        await say("354 go on")
                        raw = await reader.readuntil(b"\r\n.\r\n")
                        mail = email.message_from_bytes(raw[:-5], policy=email.policy.default)
                        assert isinstance(mail, EmailMessage)
                        self.mails.append(mail)
                        await say("250 taken")
                    case "RCPT" if self.refusals:
                        await say(self.refusals.pop(0))
                    case "QUIT":
                        await say("221 bye")
                        break
                    case _:
                        await say("250 ok")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def fake_smtp(*refusals: str) -> AsyncIterator[FakeSmtp]:
    fake = FakeSmtp(refusals=list(refusals))
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
