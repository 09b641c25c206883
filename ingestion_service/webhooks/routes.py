"""HTTP words for what channels deliver."""

from typing import Any

from fastapi import Request

from core.errors import NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import anyone
from core.web.problems import ValidationFailed, responses
from core.web.requests import LARGE_BOUNDS, BodyTooLarge, router
from core.web.runtime import Db, Sealed
from core.web.strict_json import JsonTooComplex, MalformedJson, loads_any_text
from ingestion_service.webhooks import evolution, service
from ingestion_service.webhooks.deps import EvolutionAccount
from ingestion_service.webhooks.schemas import DeliveryOut

ALWAYS = (Unauthenticated, NotFound, ValidationFailed, BodyTooLarge, Unavailable, VaultClosed)
JSON = (*ALWAYS, MalformedJson, JsonTooComplex)
SECRET = [anyone("the account's secret is presented in a header")]

webhooks = router(prefix="/webhooks", tags=["webhooks"])


def _body(media_type: str, example: Any) -> dict[str, Any]:
    """What the OpenAPI document says of a body that is read as it is."""
    schema = {"type": "string"} if isinstance(example, str) else {"type": "object", "examples": [example]}
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


@webhooks.post(
    "/evoapi/{account}",
    summary="Take in what an Evolution API delivers",
    dependencies=SECRET,
    responses=responses(*JSON, evolution.NotAMessage),
    openapi_extra=_body("application/json", {"sender_id": "5511900001234", "message": "Bom dia!"}),
)
async def receive_evolution(
    channel: EvolutionAccount, request: Request, database: Db, vault: Sealed
) -> DeliveryOut:
    """`messages.upsert` events, or just `{"sender_id", "message"}`."""
    body = await request.body()
    reading = evolution.read(channel, loads_any_text(body, LARGE_BOUNDS))
    return await service.accept(database, vault, channel, body, reading)
