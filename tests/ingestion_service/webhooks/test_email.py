import base64
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import text

from core.channels import find_channel
from core.channels.channel import Channel
from core.channels.threads import reply_address, subject_tag
from core.contacts.message import ChannelMessage
from core.db import Database
from core.settings import Settings
from core.vault import Vault
from ingestion_service.webhooks.mailbox import read_mail
from tests.accounts import make_channel

Said = Callable[[], Awaitable[list[ChannelMessage]]]
SECRET, MAILBOX = "the secret of this mailbox", "contato@example.org"
RICH = b"""\
Return-Path: <maria@example.com>
Authentication-Results: mx.example.org; dmarc=pass header.from=example.com
Received: from a by b; Mon, 09 Jun 2025 10:00:00 -0300
From: =?utf-8?q?Maria_Jos=C3=A9?= <Maria@Example.com>
To: =?iso-8859-1?Q?Atendimento_=E1?= <contato@example.org>, outro@example.org
Subject: =?utf-8?B?U2VndW5kYSB2aWEgZG8gYm9sZXRvIOKcqA==?=
Message-ID: <abc.1@example.com>
References: <velho@example.com> <novo@example.com>
Date: Mon, 09 Jun 2025 10:00:00 -0300
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="fora"

--fora
Content-Type: multipart/alternative; boundary="dentro"

--dentro
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Ol=E1, preciso da segunda via.

Em seg., 9 de jun. de 2025, Atendimento <contato@example.org> escreveu:
> Posso ajudar?
--dentro
Content-Type: text/html; charset=utf-8

<p>n\xc3\xa3o usado</p>
--dentro--
--fora
Content-Type: application/pdf; name="boleto.pdf"
Content-Disposition: attachment; filename*=utf-8''boleto%20velho.pdf
Content-Transfer-Encoding: base64

JVBERi0=
--fora--
"""


@pytest.fixture(autouse=True)
async def _account(database: Database, settings: Settings) -> None:
    config, secrets = {"mailbox": MAILBOX}, {"webhook_secret": SECRET}
    await make_channel(database, settings, "contato", "email", config=config, secrets=secrets)


@pytest.fixture
async def channel(database: Database, settings: Settings, _account: None) -> Channel:
    async with database.connection() as connection:
        found = await find_channel(connection, Vault.of(settings), "contato")
    assert found is not None
    return found


def mail(body: str = "Bom dia!", **headers: str) -> bytes:
    given = {"From": "Maria <maria@example.com>", "To": MAILBOX, "Subject": "boleto", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", body]).encode("utf-8", errors="surrogatepass")


async def send(client: httpx.AsyncClient, raw: bytes) -> dict[str, Any]:
    headers = {"X-Webhook-Secret": SECRET, "Content-Type": "message/rfc822"}
    answer = await client.post("/webhooks/email/contato", content=raw, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def threads(database: Database) -> list[int]:
    async with database.transaction() as session:
        return list(await session.scalars(text("SELECT thread_id FROM crm.ingest_events ORDER BY id")))


async def test_a_mail_is_read_as_its_writer_meant_it(client: httpx.AsyncClient, said: Said) -> None:
    answer = await send(client, RICH)
    assert answer["messages"][0]["contact_id"]
    [message] = await said()
    assert (message.source, message.account, message.sender_id) == ("email", "contato", "Maria@Example.com")
    assert message.sender_name == "Maria José"
    assert message.content == "Olá, preciso da segunda via."
    assert message.metadata["subject"] == "Segunda via do boleto ✨"
    assert "Posso ajudar?" in str(message.metadata["quoted"])
    assert message.metadata["attachments"] == [{"filename": "boleto velho.pdf", "mime": "application/pdf"}]
    assert (message.metadata["dmarc"], message.metadata["message_id"]) == ("pass", "abc.1@example.com")
    assert "auto" not in message.metadata
    assert message.sent_at is not None


@pytest.mark.parametrize(
    ("body", "new"),
    [
        ("oi\n\nOn Mon, Jun 9, 2025 at 10:00 AM Desk <d@example.org>\nwrote:\n\n> a\n> b", "oi"),
        ("oi\n\n-----Mensagem original-----\nDe: Desk\nvelho", "oi"),
        ("oi\n> citado no fim\n> mais", "oi"),
        ("> pergunta\nresposta no meio\n> outra\nfim", "> pergunta\nresposta no meio\n> outra\nfim"),
        ("> só citação", "> só citação"),
        ("Em breve mando o documento.", "Em breve mando o documento."),
    ],
)
async def test_history_is_kept_apart(client: httpx.AsyncClient, said: Said, body: str, new: str) -> None:
    await send(client, mail(body))
    assert [message.content for message in await said()] == [new]


async def test_html_alone_is_read_as_text(client: httpx.AsyncClient, said: Said) -> None:
    html = "<html><head><style>p{}</style></head><body><p>Ol&aacute;</p><script>x</script>mundo<![bad</body>"
    await send(client, mail(html, Content_Type="text/html; charset=utf-8"))
    content = (await said())[0].content
    assert content.startswith("Olá\n")
    assert "mundo" in content
    assert "p{}" not in content


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<lista.example.com>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"From": "no-reply@example.com"},
        {"From": MAILBOX},
        {"From": ""},
        {"Content_Type": "multipart/report; boundary=x"},
        {"Authentication_Results": "mx; dmarc=fail"},
    ],
)
async def test_what_a_machine_or_nobody_wrote_is_never_to_be_answered(
    client: httpx.AsyncClient, said: Said, headers: dict[str, str]
) -> None:
    await send(client, mail(**headers))
    assert (await said())[0].metadata["auto"] is True


async def test_a_mail_delivered_again_is_the_same_one_with_or_without_an_id(
    client: httpx.AsyncClient, database: Database, said: Said
) -> None:
    for raw in (mail(Message_ID="<a@x.com>"), mail(), mail(Message_ID="<a@[::1"), mail(Message_ID="")):
        first = await send(client, raw)
        again = await send(client, raw)
        assert again["messages"][0] == {**first["messages"][0], "duplicate": True}
    assert len(await said()) == 4
    assert len(set(await threads(database))) == 4


async def test_answers_find_their_thread_by_any_mail_they_mention_in_any_order(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client, mail(Message_ID="<3@x>", References="<1@x> <2@x>", In_Reply_To="<2@x>"))
    await send(client, mail(Message_ID="<1@x>"))
    await send(client, mail(Message_ID="<4@x>", In_Reply_To="<3@x>"))
    await send(client, mail(Message_ID="<5@x>", References="<desconhecido@x> <2@x>"))
    await send(client, mail(Message_ID="<6@x>", Subject="Re: boleto"))
    found = await threads(database)
    assert len(set(found[:4])) == 1
    assert found[4] != found[0]


async def test_an_address_we_signed_is_surer_than_what_is_mentioned(
    client: httpx.AsyncClient, database: Database, channel: Channel
) -> None:
    await send(client, mail(Message_ID="<1@x>"))
    await send(client, mail(Message_ID="<2@x>"))
    first, second = await threads(database)
    address = reply_address(channel, first)
    assert address is not None
    await send(client, mail(To=f"Desk <{address}>", In_Reply_To="<2@x>", From="outra@example.com"))
    await send(client, mail(To=address.replace(f"+t{first}.", f"+t{second}."), From="outra@example.com"))
    found = await threads(database)
    assert found[2] == first
    assert found[3] not in {first, second}


async def test_a_quoted_number_leads_only_who_takes_part(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client, mail(Message_ID="<1@x>"))
    [first] = await threads(database)
    tag = subject_tag(first)
    await send(client, mail(Subject=f"Re: {tag} boleto", From="MARIA@example.com"))
    await send(client, mail(Subject=f"Re: {tag} boleto", From="intrusa@example.com"))
    await send(client, mail(Subject=f"ENC: {tag} boleto"))
    _, same, stranger, forwarded = await threads(database)
    assert same == first
    assert first not in {stranger, forwarded}


async def test_two_mailboxes_do_not_share_threads(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await make_channel(database, settings, "vendas", "email", secrets={"webhook_secret": SECRET})
    await send(client, mail(Message_ID="<1@x>"))
    headers = {"Authorization": "Basic " + base64.b64encode(f"x:{SECRET}".encode()).decode()}
    answer = await client.post("/webhooks/email/vendas", content=mail(Message_ID="<1@x>"), headers=headers)
    assert answer.json()["messages"][0]["duplicate"] is False
    assert len(set(await threads(database))) == 2


async def test_strangers_and_empty_bodies_are_refused(client: httpx.AsyncClient, said: Said) -> None:
    assert (await client.post("/webhooks/email/contato", content=mail())).status_code == 401
    answer = await client.post(
        "/webhooks/email/contato", content=b" \r\n", headers={"X-Webhook-Secret": SECRET}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "empty_mail")
    assert await said() == []


HOSTILE = [
    b"\x00\xff" * 500,
    mail(Message_ID="<a@[::1"),
    mail(From="=?utf-8?q?=ZZ?= <a@b"),
    mail(From="=?no-such-charset?b?////?= <a@b.c>"),
    mail(From="a@b.c\x00d, <<>>,;:"),
    mail(Subject="=?utf-8?b?" + "A" * 99_999),
    mail(Content_Type="text/plain; charset*0*=x''%ff; charset*" + "9" * 5_000 + "=y"),
    mail(Content_Type="text/plain; charset=utf-7"),
    mail(Content_Type="text/plain; charset=idna"),
    mail(Content_Type="multipart/mixed"),
    mail("x" * 10, Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    mail("begin 666 x\r\n!!!", Content_Transfer_Encoding="x-uuencode"),
    mail("".join(f"--{n}\r\nContent-Type: multipart/mixed; boundary={n + 1}\r\n\r\n" for n in range(2_000))),
    mail(References="<a@b> " * 50_000),
    mail(Date="Mon, 99 Foo 99999 99:99:99 +9999"),
    b"From: a@b.c\r\n" + b"X: y\r\n" * 50_000 + b"\r\nbody",
    mail("\ud800", From="\udcff@b.c"),
    mail("<!" * 50_000, Content_Type="text/html"),
    mail("<![CDATA[<![if", Content_Type="text/html"),
]


async def test_no_mail_breaks_the_door_and_none_is_lost(client: httpx.AsyncClient, said: Said) -> None:
    for raw in HOSTILE:
        assert (await send(client, raw))["messages"][0]["contact_id"], raw[:80]
    assert len(await said()) == len(HOSTILE)


SPLICES = b'=? ?= \x00 \xff\xfe --fora --fora-- boundary= charset= < > @[ ;*0*= " Content-Type:'.split(b" ")
SPLICES += [b"\r\n\r\n", b"\r\n "]


async def test_thousands_of_mutated_mails_are_all_read(channel: Channel) -> None:
    """Some 2,000 a run; what is read of each becomes a message, which is what the door stores."""

    @limits(max_examples=2_000, deadline=None, database=None, derandomize=True)
    @given(st.randoms(use_true_random=False), st.sampled_from([RICH, *HOSTILE[:8], mail()]))
    def mutate(random_: random.Random, origin: bytes) -> None:
        raw = bytearray(origin[:3_000])
        for _ in range(random_.randint(1, 8)):
            start = random_.randrange(len(raw) + 1)
            raw[start : start + random_.randint(0, 20)] = random_.choice([*SPLICES, random_.randbytes(3)])
        _, reading = read_mail(channel, bytes(raw))
        assert len(reading.messages) == 1

    mutate()
