"""HTTP words for what channels deliver."""

from typing import Any

from fastapi import BackgroundTasks, Request
from fastapi.responses import PlainTextResponse

from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import anyone
from core.web.problems import ValidationFailed, responses
from core.web.requests import LARGE_BOUNDS, BodyTooLarge, SignedRoute, router
from core.web.runtime import Db, Sealed
from core.web.strict_json import JsonTooComplex, MalformedJson, loads_any_text
from ingestion_service.webhooks import evolution, mailbox, service
from ingestion_service.webhooks.deps import Challenge, EvolutionAccount, MailAccount, SignedDelivery
from ingestion_service.webhooks.schemas import DeliveryOut

ALWAYS = (Unauthenticated, NotFound, ValidationFailed, BodyTooLarge, Unavailable, VaultClosed)
JSON = (*ALWAYS, MalformedJson, JsonTooComplex)
SECRET = [anyone("the account's secret is presented in a header")]

webhooks = router(prefix="/webhooks", tags=["webhooks"])
mails = router(prefix="/webhooks", tags=["webhooks"], large=True)
signed = router(prefix="/webhooks", tags=["webhooks"], kind=SignedRoute)


class EmptyMail(Invalid):
    """The body holds no mail."""

    code = "empty_mail"


def _body(media_type: str, example: Any, **schema: Any) -> dict[str, Any]:
    """What the OpenAPI document says of a body that is read as it is; without a schema, any is taken."""
    content = {media_type: {"schema": {**schema, "examples": [example]}}}
    return {"requestBody": {"required": True, "content": content}}


@webhooks.get(
    "/whatsapp/{account}",
    summary="Answer Meta's handshake",
    dependencies=[anyone("the account's verify token is in the query")],
    response_class=PlainTextResponse,
    responses=responses(Forbidden, NotFound, ValidationFailed, Unavailable, VaultClosed),
)
async def shake_hands(challenge: Challenge) -> PlainTextResponse:
    """The challenge, when the verify token is this account's."""
    return PlainTextResponse(challenge)


@signed.post(
    "/whatsapp/{account}",
    summary="Take in what the WhatsApp Cloud API delivers",
    dependencies=[anyone("the body is signed with the app secret: `X-Hub-Signature-256`")],
    responses=responses(*JSON),
    openapi_extra=_body("application/json", {"object": "whatsapp_business_account", "entry": []}),
)
async def receive_whatsapp(
    delivery: SignedDelivery, then: BackgroundTasks, database: Db, vault: Sealed
) -> DeliveryOut:
    """Whole batches, stored before this answers; their senders are found right after."""
    reading, stored = await service.store_batch(database, vault, *delivery)
    then.add_task(service.link, database, vault, reading.messages, stored)
    return service.told(reading, stored)


@webhooks.post(
    "/evoapi/{account}",
    summary="Take in what an Evolution API delivers",
    dependencies=SECRET,
    responses=responses(*JSON, evolution.NotAMessage),
    openapi_extra=_body(
        "application/json", {"sender_id": "5511900001234", "message": "Bom dia!"}, type="object"
    ),
)
async def receive_evolution(
    channel: EvolutionAccount, request: Request, database: Db, vault: Sealed
) -> DeliveryOut:
    """`messages.upsert` events, or just `{"sender_id", "message"}`."""
    body = await request.body()
    reading = evolution.read(channel, loads_any_text(body, LARGE_BOUNDS))
    return await service.accept(database, vault, channel, body, reading)


@mails.post(
    "/email/{account}",
    summary="Take in a mail as it came",
    dependencies=SECRET,
    responses=responses(*ALWAYS, EmptyMail),
    openapi_extra=_body("message/rfc822", "From: maria@example.com\r\nSubject: boleto\r\n\r\nBom dia!"),
)
async def receive_mail(channel: MailAccount, request: Request, database: Db, vault: Sealed) -> DeliveryOut:
    """RFC 5322, byte by byte, up to 25 MB. The account is the mailbox."""
    raw = await request.body()
    if not raw.strip():
        raise EmptyMail("there is no mail in the body")
    return await mailbox.accept_mail(database, vault, channel, raw)
