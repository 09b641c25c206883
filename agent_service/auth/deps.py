"""What the routes of this feature share: the door, and where a caller calls from."""

from typing import Annotated

from fastapi import Depends, Request

from agent_service.auth.hashing import Hashing
from agent_service.auth.service import Door
from core.web.runtime import runtime, state


# Coroutines, since FastAPI sends plain functions through a thread.
async def _hashing(request: Request) -> Hashing:
    hashing: Hashing = state(request, "hashing")
    return hashing


PasswordHashing = Annotated[Hashing, Depends(_hashing)]


async def _door(request: Request, hashing: PasswordHashing) -> Door:
    running = runtime(request)
    return Door(running.database, running.tokens, hashing)


AtDoor = Annotated[Door, Depends(_door)]
"""The way in; a service without a token secret answers 503 here."""


async def _address(request: Request) -> str:
    return request.client.host if request.client else ""


CallerAddress = Annotated[str, Depends(_address)]
"""The address the request came from: behind a proxy, as uvicorn's `--forwarded-allow-ips` lets it be told."""
