import json
from typing import Any

import pytest

from core.channels import Secret, find_channel
from core.channels.threads import signed_thread
from core.models import ChannelKind
from tests.fake_messaging import Answer, FakeApi, fake_api
from tests.fake_smtp import fake_smtp
from tests.worker_service.conversations.counter import MARIA, Counter
from worker_service.conversations.senders.console import Console
from worker_service.conversations.senders.letter import Letter

STATE = "SELECT state::text, attempts, error_code, provider_message_id FROM crm.outbound_messages ORDER BY id"
NOW = "UPDATE crm.outbound_messages SET next_at = now() WHERE state = 'PENDING'"
WAIT = "SELECT extract(epoch FROM next_at - now())::float8 FROM crm.outbound_messages"
WAMID = {"messages": [{"id": "wamid.1"}]}


def meta_error(code: int) -> Any:
    return {"error": {"code": code, "message": "no"}}


async def reach(counter: Counter, api: FakeApi) -> None:
    """The allow-list of the worker opens the fake."""
    settings = counter.means.settings.model_copy(update={"fetch_allowed_hosts": frozenset({api.place})})
    object.__setattr__(counter.means, "settings", settings)


async def open_cloud(counter: Counter, api: FakeApi) -> None:
    await reach(counter, api)
    config = json.dumps({"base_url": api.url, "phone_number_id": "777"})
    secrets = {Secret.ACCESS_TOKEN: "token"}
    await counter.open("zap", ChannelKind.WHATSAPP_CLOUD, config=config, secrets=secrets)


async def open_evolution(counter: Counter, api: FakeApi) -> None:
    await reach(counter, api)
    config = json.dumps({"base_url": api.url, "instance": "nossa loja"})
    await counter.open("zap", ChannelKind.EVOLUTION, config=config, secrets={Secret.API_KEY: "k"})


async def states(counter: Counter) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await counter.fetch(STATE)]


async def test_the_cloud_api_gets_a_text_in_reply_to_the_message(counter: Counter) -> None:
    async with fake_api(Answer(200, WAMID)) as api:
        await open_cloud(counter, api)
        said = await counter.tell("oi", account="zap", external_id="wamid.0")
        ((path, headers, body),) = api.posted
    assert said == ""
    assert path == "/777/messages"
    assert headers["authorization"] == "Bearer token"
    assert (body["to"], body["context"]) == (MARIA, {"message_id": "wamid.0"})
    assert body["text"]["body"] == (await counter.thread("zap"))[-1][1]
    assert await states(counter) == [("SENT", 1, None, "wamid.1")]


async def test_a_user_id_is_addressed_as_one(counter: Counter) -> None:
    async with fake_api(Answer(200, WAMID)) as api:
        await open_cloud(counter, api)
        await counter.tell("oi", "BR.1A2b3C4d5E", account="zap")
        body = api.posted[0][2]
    assert ("to" in body, body["recipient"]) == (False, "BR.1A2b3C4d5E")


async def test_after_a_day_no_free_text_is_sent(counter: Counter) -> None:
    async with fake_api() as api:
        await open_cloud(counter, api)
        await counter.write("oi", account="zap")
        await counter.execute("UPDATE crm.ingest_events SET received_at = now() - interval '25 hours'")
        await counter.work()
        assert not api.posted
    assert await states(counter) == [("FAILED", 1, "window_closed", None)]


async def test_evolution_gets_number_and_text(counter: Counter) -> None:
    async with fake_api() as api:
        await open_evolution(counter, api)
        await counter.tell("oi", f"{MARIA}@s.whatsapp.net", account="zap")
        ((path, headers, body),) = api.posted
    assert (path, headers["apikey"], body["number"]) == ("/message/sendText/nossa%20loja", "k", MARIA)
    assert await states(counter) == [("SENT", 1, None, "W1")]


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (Answer(400, meta_error(131047)), "FAILED", "window_closed"),
        (Answer(400, meta_error(131026)), "FAILED", "channel_refused"),
        (Answer(401, meta_error(190)), "FAILED", "channel_credentials"),
        (Answer(400, meta_error(130429)), "PENDING", "channel_unavailable"),
        (Answer(500, "oops"), "PENDING", "channel_unavailable"),
        (Answer(429, ""), "PENDING", "channel_unavailable"),
        (Answer(404, "[]"), "FAILED", "channel_refused"),
    ],
)
async def test_what_a_refusal_means(counter: Counter, answer: Answer, state: str, code: str) -> None:
    async with fake_api(answer) as api:
        await open_cloud(counter, api)
        await counter.tell("oi", account="zap")
        assert len(api.posted) == 1
    assert await states(counter) == [(state, 1, code, None)]


async def test_what_failed_for_now_is_sent_later_and_keeps_its_place(counter: Counter) -> None:
    async with fake_api(Answer(503, "", {"Retry-After": "120"})) as api:
        await open_evolution(counter, api)
        await counter.tell("oi", account="zap")
        assert 100 < await counter.value(WAIT) <= 120
        await counter.tell("e agora?", account="zap")
        assert len(api.posted) == 1, "the second message waits for the first"
        await counter.execute(NOW)
        await counter.work()
        assert api.texts()[1:] == [said for author, said in await counter.thread("zap") if author != "client"]
    assert [row[0] for row in await states(counter)] == ["SENT", "SENT"]


async def test_a_host_that_is_not_open_to_us_is_not_called(counter: Counter) -> None:
    async with fake_api() as api:
        await open_evolution(counter, api)
        object.__setattr__(
            counter.means,
            "settings",
            counter.means.settings.model_copy(update={"fetch_allowed_hosts": frozenset()}),
        )
        await counter.tell("oi", account="zap")
        assert not api.posted
    assert await states(counter) == [("FAILED", 1, "url_not_allowed", None)]


async def test_an_answer_that_waited_is_not_sent_after_a_revocation(counter: Counter) -> None:
    async with fake_api() as api:
        await open_evolution(counter, api)
        await counter.tell("oi", account="zap")
        await counter.tell("sim", account="zap")
        api.answers = [Answer(503, "")]
        await counter.tell("Qual o horário de atendimento da secretaria?", account="zap")
        await counter.open("outro")
        await counter.tell("revogar", account="outro")
        sent = len(api.posted)
        await counter.execute(NOW)
        await counter.work()
        assert len(api.posted) == sent
    assert ("FAILED", 2, "consent_revoked", None) in await states(counter)


async def test_a_closed_account_sends_nothing_more(counter: Counter) -> None:
    async with fake_api(Answer(503, "")) as api:
        await open_evolution(counter, api)
        await counter.tell("oi", account="zap")
        await counter.execute("UPDATE crm.channels SET is_active = false")
        await counter.execute(NOW)
        await counter.work()
        assert len(api.posted) == 1
    assert await states(counter) == [("FAILED", 2, "channel_closed", None)]


async def open_mailbox(counter: Counter, port: int) -> None:
    config = {"mailbox": "sac@loja.example", "smtp_host": "127.0.0.1", "smtp_port": port}
    await counter.open(
        "sac",
        ChannelKind.EMAIL,
        config=json.dumps({**config, "smtp_security": "none"}),
        secrets={Secret.REPLY_SECRET: "r"},
    )


MAIL: dict[str, Any] = {
    "sender": "ana@example.org",
    "source": "email",
    "account": "sac",
    "external_id": "m1@example.org",
    "metadata": {"type": "email", "subject": "Boleto", "message_id": "m1@example.org"},
}


async def test_a_mail_is_answered_in_its_thread_and_says_that_a_machine_wrote_it(counter: Counter) -> None:
    async with fake_smtp() as smtp:
        await open_mailbox(counter, smtp.port)
        thread = await counter.value("INSERT INTO crm.email_threads (account) VALUES ('sac') RETURNING id")
        key = await counter.write("Quanto custa?", **MAIL)
        await counter.execute("UPDATE crm.ingest_events SET thread_id = $1 WHERE id = $2", thread, key)
        await counter.work()
    (mail,) = smtp.mails
    async with counter.database.connection() as connection:
        channel = await find_channel(connection, counter.means.vault, "sac")
    assert channel is not None
    assert signed_thread(channel, [mail["Reply-To"]]) == thread
    assert await counter.value("SELECT thread_id FROM crm.email_references") == thread
    assert (mail["From"], mail["To"]) == ("sac@loja.example", "ana@example.org")
    assert (mail["In-Reply-To"], mail["References"]) == ("<m1@example.org>", "<m1@example.org>")
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Subject"] == f"Re: Boleto [#{thread}]"
    assert mail.get_content().split() == (await counter.thread("sac"))[-1][1].split()
    sent = await counter.value("SELECT public_id FROM crm.outbound_messages")
    assert mail["Message-ID"] == f"<{sent}@loja.example>", "the same at each attempt"


@pytest.mark.parametrize(
    ("refusal", "state", "code"),
    [("450 later", "PENDING", "channel_unavailable"), ("550 nobody", "FAILED", "channel_refused")],
)
async def test_what_a_mail_server_says_of_a_recipient(
    counter: Counter, refusal: str, state: str, code: str
) -> None:
    async with fake_smtp(refusal) as smtp:
        await open_mailbox(counter, smtp.port)
        await counter.tell("Quanto custa?", **MAIL)
        assert not smtp.mails
    assert await states(counter) == [(state, 1, code, None)]


async def test_a_mail_server_that_is_away_is_asked_again(counter: Counter) -> None:
    async with fake_smtp() as smtp:
        port = smtp.port
    await open_mailbox(counter, port)
    await counter.tell("Quanto custa?", **MAIL)
    assert await states(counter) == [("PENDING", 1, "channel_unreachable", None)]


@pytest.mark.parametrize(
    "sender",
    [
        "ana@example.org, eva@example.net",
        "Todos: ana@example.org, eva@example.net;",
        "<",
        "a@[",
        "=?utf-8?q?a=2C?= <a@b.de>",
    ],
)
async def test_an_answer_by_mail_goes_to_one_address_or_nowhere(counter: Counter, sender: str) -> None:
    async with fake_smtp() as smtp:
        await open_mailbox(counter, smtp.port)
        await counter.tell("Quanto custa?", **{**MAIL, "sender": sender})
        assert not smtp.mails
    assert await states(counter) == [("FAILED", 1, "channel_refused", None)]


async def test_no_header_is_smuggled_into_a_mail(counter: Counter) -> None:
    about = {
        "type": "email",
        "subject": "a\nBcc: eva@example.net",
        "message_id": "a@b\r\nBcc: eva@example.net",
    }
    async with fake_smtp() as smtp:
        await open_mailbox(counter, smtp.port)
        await counter.tell("Quanto custa?", **{**MAIL, "metadata": about})
    (mail,) = smtp.mails
    assert {"Bcc", "In-Reply-To"}.isdisjoint(mail.keys())
    assert mail["Subject"] == "Re: a Bcc: eva@example.net"


async def test_a_letter_that_breaks_its_sender_keeps_nobody_waiting(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_sender: Console, letter: Letter) -> None:
        if letter.answered.content == "quebra":
            raise LookupError

    monkeypatch.setattr(Console, "send", broken)
    await counter.write("quebra")
    await counter.write("oi", "5511912345678")
    await counter.work()
    assert sorted((state, code) for state, _, code, _ in await states(counter)) == [
        ("FAILED", "internal"),
        ("SENT", None),
    ]
