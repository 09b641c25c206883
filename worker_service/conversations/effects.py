"""Do what a turn decided: consent, ticket, reply; all inside the transaction that ends the turn."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from uuid import UUID

from core.consents import SERVICE_DESK, grant, note_shown, revoke
from core.conversations import Reply, Thread, say
from core.db import Connection
from core.models import Author
from core.tickets import add_message, open_ticket
from core.vault import Vault
from worker_service.conversations import queries, texts, wording
from worker_service.conversations.decision import Step
from worker_service.conversations.deliberation import Draft
from worker_service.conversations.facts import Facts
from worker_service.conversations.queries import Due

Effect = Callable[["Performance", Draft], Awaitable[None]]


class Performance:
    """One turn's effects in the caller's transaction. What is said is numbered: nothing is said twice."""

    def __init__(
        self, connection: Connection, vault: Vault, conversation: int, due: Due, facts: Facts
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._due = due
        self._facts = facts
        self._thread = Thread(conversation, due.account, due.event_key)
        self._numbers = count(1)

    async def carry_out(self, draft: Draft) -> None:
        """Everything the draft asks for, and then what had waited for it."""
        if draft.step in SAYINGS:
            await self._say(SAYINGS[draft.step])
        if draft.step in EFFECTS:
            await EFFECTS[draft.step](self, draft)
        if draft.then is not None:
            await self.carry_out(draft.then)

    async def step_aside(self, _draft: Draft) -> None:
        """A person answered on the telephone: the conversation is theirs."""
        await queries.hand_over(self._connection, self._thread.conversation)

    async def show_notice(self, _draft: Draft) -> None:
        """The whole notice, noted as shown."""
        notice = self._facts.notice
        assert notice is not None, "nobody speaks without a notice"
        await note_shown(
            self._connection,
            client=self._due.client,
            notice=notice.id,
            channel=self._due.account,
            event=self._due.event_key,
        )
        await self._say(texts.notice(notice.body))

    async def grant(self, draft: Draft) -> None:
        """The client agrees to what they were shown."""
        await self._decide(grant)
        await self._say(texts.GRANTED if draft.then else f"{texts.GRANTED}\n\n{texts.INVITATION}")

    async def refuse(self, _draft: Draft) -> None:
        """The client does not agree."""
        await self._decide(revoke)
        await self._say(texts.REFUSED)

    async def revoke(self, _draft: Draft) -> None:
        """The client withdraws."""
        await self._decide(revoke)
        await self._say(texts.REVOKED)

    async def answer(self, draft: Draft) -> None:
        """What the documents tell, or that they do not."""
        await self._say(draft.text or texts.not_found(), Author.ASSISTANT, needs_consent=True)

    async def ticket(self, draft: Draft) -> None:
        """A ticket with what was said, and its number to the client.

        While the ticket of this conversation is young and open, what is said joins it.
        """
        known = await queries.find_open_ticket(self._connection, self._thread.conversation)
        if known is not None and not wording.wants_another_ticket(draft.said):
            return await self._comment(known, draft)
        opened = await open_ticket(
            self._connection,
            self._vault,
            client=self._due.client,
            subject=wording.subject(draft.said),
            description=draft.said,
            channel=self._due.account,
            event=draft.about,
        )
        return await self._say(texts.ticket_opened(opened.number), Author.ASSISTANT)

    async def _comment(self, ticket: UUID, draft: Draft) -> None:
        joined = await add_message(self._connection, self._vault, ticket, event=draft.about, text=draft.said)
        assert joined is not None, "tickets are never deleted"
        await self._say(texts.ticket_commented(joined.number), Author.ASSISTANT)

    async def _decide(self, decision: Callable[..., Awaitable[bool]]) -> None:
        facts = self._facts
        notice = facts.shown.notice if facts.shown else facts.notice and facts.notice.id
        await decision(
            self._connection,
            client=self._due.client,
            purpose=SERVICE_DESK,
            notice=notice,
            channel=self._due.account,
            event=self._due.event_key,
            actor=None,
        )

    async def _say(self, text: str, author: Author = Author.SYSTEM, *, needs_consent: bool = False) -> None:
        key = f"turn/{self._due.turn}/{next(self._numbers)}"
        await say(
            self._connection,
            self._vault,
            self._thread,
            Reply(wording.bounded(text, wording.LONGEST), key, author, needs_consent=needs_consent),
        )


SAYINGS: Mapping[Step, str] = {
    Step.REMIND: texts.REMINDER,
    Step.NOTHING_TO_REVOKE: texts.NOTHING_TO_REVOKE,
    Step.GREET: texts.GREETING,
    Step.THANK: texts.THANKS,
    Step.LISTEN: texts.LISTENING,
    Step.DECLINED: texts.DECLINED,
}
EFFECTS: Mapping[Step, Effect] = {
    Step.STEP_ASIDE: Performance.step_aside,
    Step.NOTICE: Performance.show_notice,
    Step.GRANT: Performance.grant,
    Step.REFUSE: Performance.refuse,
    Step.REVOKE: Performance.revoke,
    Step.ANSWER: Performance.answer,
    Step.NOT_FOUND: Performance.answer,
    Step.TICKET: Performance.ticket,
}
