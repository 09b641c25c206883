"""Door 3: people ask, and get answers they can check. `python -m uvicorn agent_service.main:app`."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx
from fastapi import FastAPI

from agent_service.audit.routes import audit
from agent_service.auth.hashing import Hashing
from agent_service.auth.routes import auth
from agent_service.case_papers.routes import case_papers, case_uploads
from agent_service.case_scheduler.routes import case_scheduler
from agent_service.cases.routes import cases
from agent_service.channels.routes import channels
from agent_service.chat.desk import Desk, Means
from agent_service.chat.routes import chat
from agent_service.clients.routes import clients
from agent_service.completions.routes import completions
from agent_service.consents.routes import consents
from agent_service.conversations.routes import conversations
from agent_service.crm.routes import crm
from agent_service.deliveries.routes import deliveries
from agent_service.imports.routes import import_files, imports
from agent_service.keys.routes import keys
from agent_service.knowledge.routes import knowledge
from agent_service.outbox.routes import outbox
from agent_service.people.routes import people
from agent_service.privacy.routes import privacy
from agent_service.tickets.routes import tickets
from agent_service.webhooks.routes import webhooks
from core.embeddings.registry import make_embedder
from core.llm.configured import configured_model
from core.settings import Settings
from core.web.app import create_app
from core.web.runtime import Runtime

ROUTERS = (
    audit,
    auth,
    case_papers,
    case_scheduler,
    case_uploads,
    cases,
    channels,
    chat,
    clients,
    completions,
    consents,
    conversations,
    crm,
    deliveries,
    imports,
    import_files,
    keys,
    knowledge,
    outbox,
    people,
    privacy,
    tickets,
    webhooks,
)


def create(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment at start-up when none are given."""
    return create_app(
        "COGEP Assist: agent",
        ROUTERS,
        settings=settings,
        description="Ask, and get answers from the documents, each sentence with its source.",
        resources=_means,
    )


@asynccontextmanager
async def _means(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    settings = runtime.settings
    app.state.hashing = Hashing()
    async with httpx.AsyncClient() as client, aclosing(make_embedder(settings)) as embedder:
        app.state.means = means = Means(
            runtime.database,
            embedder,
            configured_model(settings, client),
            settings.llm_max_tokens,
            settings.answer_link_hosts,
        )
        app.state.desk = desk = Desk(means)
        async with aclosing(desk):
            yield


app = create()
