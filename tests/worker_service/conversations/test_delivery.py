import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from core.channels import Secret
from core.models import ChannelKind
from core.queue import INGESTION
from tests.fake_messaging import fake_api
from tests.worker_service.conversations.counter import MARIA, Counter
from worker_service.conversations import delivery
from worker_service.drain.context import Services

Eventually = Callable[..., Awaitable[None]]

SENT = "SELECT count(*) FROM crm.outbound_messages WHERE account = $1 AND state = 'SENT'"
STATES = "SELECT state::text, error_code FROM crm.outbound_messages ORDER BY id"


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """It takes calls and never answers."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: taken.append(writer), "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in taken:
        writer.close()
    server.close()


async def open_zap(counter: Counter, account: str, place: str) -> None:
    config = json.dumps({"base_url": f"http://{place}", "instance": account})
    await counter.open(account, ChannelKind.EVOLUTION, config=config, secrets={Secret.API_KEY: "k"})
    allowed = {*counter.means.settings.fetch_allowed_hosts, place}
    settings = counter.means.settings.model_copy(update={"fetch_allowed_hosts": frozenset(allowed)})
    object.__setattr__(counter.means, "settings", settings)


async def test_a_channel_that_hangs_holds_up_no_other(counter: Counter, eventually: Eventually) -> None:
    async with silent_server() as silent, fake_api() as api:
        await open_zap(counter, "mudo", silent)
        await open_zap(counter, "zap", api.place)
        await asyncio.gather(
            *(counter.write("oi", f"55119{80_000_000 + n}", account="mudo") for n in range(30))
        )
        await counter.write("oi", account="zap")
        await counter.take_turns()
        services = Services(counter.means.settings, counter.database, INGESTION, "w")
        delivering = asyncio.create_task(delivery.keep_delivering(services))

        async def went_out() -> bool:
            return bool(await counter.value(SENT, "zap"))

        await eventually(went_out, patience=delivery.SEND_SECONDS / 2)
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        assert len(api.texts(MARIA)) == 1


async def test_what_is_a_day_late_is_not_sent_any_more(counter: Counter) -> None:
    async with fake_api() as api:
        await open_zap(counter, "zap", api.place)
        await counter.write("oi", account="zap")
        await counter.take_turns()
        await counter.execute("UPDATE crm.outbound_messages SET created_at = now() - interval '25 hours'")
        await counter.work()
        assert not api.posted
    assert [tuple(row) for row in await counter.fetch(STATES)] == [("FAILED", "expired")]
