from typing import Any, Literal
from uuid import UUID

from agent_service.tickets import assignment, notes, opening, service
from agent_service.tickets.schemas import (
    AssignIn,
    CommentIn,
    CommentOut,
    TicketDetail,
    TicketIn,
    TicketOut,
    TicketPatch,
    TicketQuery,
    TransitionIn,
)
from core.db import Database
from core.models import CommentVisibility, TicketStatus
from core.vault import Vault
from tests.agent_service.tickets.staff import Member


class Desk:
    """What a member of the staff does with tickets, behind the door."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._means = (database, vault)

    async def open(self, who: Member, client: UUID, **more: Any) -> TicketDetail:
        asked = {"client_id": client, "subject": "Boleto", "description": "Veio errado.", **more}
        return await opening.open_ticket(*self._means, who.principal, TicketIn.model_validate(asked))

    async def get(self, who: Member, ticket: UUID) -> TicketDetail:
        return await service.get_ticket(*self._means, who.principal, ticket)

    async def list(self, who: Member, **wanted: Any) -> list[TicketOut]:
        page = await service.list_tickets(*self._means, who.principal, TicketQuery(**wanted))
        return page.items

    async def change(self, who: Member, ticket: UUID, version: int, **what: Any) -> TicketDetail:
        asked = TicketPatch(**what)
        return await service.change_ticket(*self._means, who.principal, ticket, f'"{version}"', asked)

    async def move(
        self, who: Member, ticket: UUID, *way: TicketStatus, version: int | None = None
    ) -> TicketDetail:
        if_match = None if version is None else f'"{version}"'
        for to in way:
            moved = await service.transition_ticket(
                *self._means, who.principal, ticket, if_match, TransitionIn(to=to, reason="porque sim")
            )
        return moved

    async def assign(
        self,
        who: Member,
        ticket: UUID,
        to: UUID | Literal["me"] | None = "me",
        version: int | None = None,
    ) -> TicketDetail:
        if_match = None if version is None else f'"{version}"'
        asked = AssignIn(assignee=to)
        return await assignment.assign_ticket(*self._means, who.principal, ticket, if_match, asked)

    async def say(self, who: Member, ticket: UUID, body: str, visibility: CommentVisibility) -> CommentOut:
        asked = CommentIn(body=body, visibility=visibility)
        return await notes.add_comment(*self._means, who.principal, ticket, asked)
