"""Answers in the making. Each is a task of its own: a listener who leaves takes nothing with him."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog

from agent_service.chat import queries
from agent_service.chat.schemas import ChatIn
from agent_service.chat.transcript import Transcript
from core.access import Principal
from core.assistant.answer import answer
from core.db import Database
from core.embeddings.protocol import Embedder
from core.errors import DomainError, Unavailable
from core.ids import uuid7
from core.llm.model import LanguageModel
from core.retrieval.search import retrieve
from core.web.database_errors import domain_error

log = structlog.get_logger(__name__)

STORE_PAUSES = (0.5, 2.0, 8.0)
"""Seconds between attempts to store an answer: a database that restarts must not cost it."""


GRACE_SECONDS = 5.0
"""How long answers in the making may still take when the service stops."""


class AnswerInterrupted(Unavailable):
    """The service stopped, or failed, before the answer was whole. Ask again."""

    code = "answer_interrupted"


@dataclass(frozen=True, slots=True)
class Means:
    """What answering takes. `model` is None when no language model is configured."""

    database: Database
    embedder: Embedder
    model: LanguageModel | None
    max_tokens: int
    allowed_hosts: frozenset[str]


class Desk:
    """Takes questions and keeps the transcripts of those being answered in this process."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._tasks: dict[UUID, tuple[asyncio.Task[None], Transcript]] = {}

    async def ask(self, caller: Principal, asked: ChatIn) -> Transcript:
        """The transcript of a new answer. The question is committed before anything else is done."""
        transcript = Transcript(uuid7(), asked.question, asked.namespace)
        async with self._means.database.connection() as connection:
            key = await queries.insert_question(
                connection,
                public_id=transcript.id,
                principal_id=caller.id,
                namespace=asked.namespace,
                question=asked.question,
            )
        task = asyncio.create_task(self._answer(key, asked, transcript))
        self._tasks[transcript.id] = (task, transcript)
        task.add_done_callback(lambda _: self._tasks.pop(transcript.id, None))
        return transcript

    def find(self, answer_id: UUID) -> Transcript | None:
        """The transcript, if the answer is in the making here."""
        found = self._tasks.get(answer_id)
        return found[1] if found else None

    async def aclose(self) -> None:
        """Let the answers in the making end for a few seconds, then stop them."""
        tasks = [task for task, _ in self._tasks.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, key: int, asked: ChatIn, transcript: Transcript) -> None:
        try:
            await self._compose(asked, transcript)
            await self._store(key, transcript)
        except Exception as error:
            log.warning("answer_failed", exc_info=True)
            await self._give_up(key, transcript, _refusal(error))
        except asyncio.CancelledError:
            await self._give_up(key, transcript, AnswerInterrupted("the service is stopping; ask again"))
            raise
        else:
            transcript.finish()

    async def _compose(self, asked: ChatIn, transcript: Transcript) -> None:
        means = self._means
        found = await retrieve(
            means.database,
            asked.question,
            namespace=asked.namespace,
            top_k=asked.top_k,
            embedder=means.embedder,
            filters=asked.filters.as_filters(),
        )
        transcript.found(found)
        said = answer(
            asked.question,
            found.passages,
            means.model,
            max_tokens=means.max_tokens,
            allowed_hosts=means.allowed_hosts,
        )
        async for event in said:
            transcript.hear(event)

    async def _store(self, key: int, transcript: Transcript) -> None:
        for pause in (*STORE_PAUSES, None):
            try:
                await self._store_once(key, transcript)
            except Exception as error:
                if pause is None or not isinstance(domain_error(error), Unavailable):
                    raise
                await asyncio.sleep(pause)
            else:
                return

    async def _store_once(self, key: int, transcript: Transcript) -> None:
        assert transcript.answered is not None, "composed before it is stored"
        assert transcript.retrieval is not None, "retrieved before it is stored"
        async with self._means.database.connection() as connection:
            coverage = transcript.retrieval["coverage"]
            await queries.store_answer(connection, key, transcript.answered, coverage)

    async def _give_up(self, key: int, transcript: Transcript, error: DomainError) -> None:
        transcript.fail(error)
        try:
            async with self._means.database.connection() as connection:
                await queries.store_failure(connection, key, error.code)
        except Exception as cause:
            if domain_error(cause) is None:
                raise
            log.warning("failure_not_stored", code=error.code)


def _refusal(error: Exception) -> DomainError:
    if isinstance(error, DomainError):
        return error
    return domain_error(error) or AnswerInterrupted("the answer could not be finished; ask again")
