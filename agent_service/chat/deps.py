"""What the routes of this service share: its desk, and what answering takes."""

from typing import Annotated

from fastapi import Depends, Request

from agent_service.chat.desk import Desk, Means
from core.web.runtime import state


# Coroutines, since FastAPI sends plain functions through a thread.
async def _desk(request: Request) -> Desk:
    desk: Desk = state(request, "desk")
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


async def _means(request: Request) -> Means:
    means: Means = state(request, "means")
    return means


OurMeans = Annotated[Means, Depends(_means)]
