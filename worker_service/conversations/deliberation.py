"""Think about a message, with no transaction open: this is where documents are searched and models asked."""

from dataclasses import dataclass

from core.assistant import intent as intents
from core.assistant.answer import Answered, answer
from core.assistant.intent import Intent
from core.consents import reads_as_no, reads_as_withdrawal, reads_as_yes
from core.conversations import Heard, hear
from core.retrieval.search import retrieve
from worker_service.conversations import wording
from worker_service.conversations.decision import HOLDING, Step, Words, decide, wanted
from worker_service.conversations.facts import Facts
from worker_service.conversations.means import Means

PASSAGES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """What to do. `about` is the message it is about, by its event's key; `text` is an answer that was found.

    `then` is what an earlier message waited for, and now may have.
    """

    step: Step
    about: int
    said: str
    intent: Intent | None = None
    text: str | None = None
    then: "Draft | None" = None


async def deliberate(means: Means, facts: Facts, event: int, heard: Heard) -> Draft:
    """What to do about the message, as the facts stand."""
    said = wording.own_words(heard.message)
    step = decide(facts.standing, words_of(said))
    if step is None:
        return await _fulfil(means, facts, event, said)
    if step is Step.GRANT:
        return Draft(step, event, said, then=await _what_waited(means, facts))
    if step is Step.TICKET:
        asked = facts.past[0]
        return Draft(step, asked.event_key, wording.own_words(_heard(means, facts, 0).message))
    return Draft(step, event, said)


def words_of(said: str) -> Words:
    """What the text says about consent. A withdrawal is one even where it could be read as a mere no."""
    if reads_as_withdrawal(said):
        return Words.WITHDRAWAL
    if reads_as_yes(said):
        return Words.YES
    return Words.NO if reads_as_no(said) else Words.OTHER


async def _what_waited(means: Means, facts: Facts) -> Draft | None:
    """The newest request among the messages that were answered with the notice."""
    for place, past in enumerate(facts.past):
        if past.outcome not in HOLDING:
            return None
        said = wording.own_words(_heard(means, facts, place).message)
        if words_of(said) is Words.OTHER:
            draft = await _fulfil(means, facts, past.event_key, said)
            if draft.step not in {Step.GREET, Step.THANK}:
                return draft
    return None


async def _fulfil(means: Means, facts: Facts, event: int, said: str) -> Draft:
    intent = await intents.read(said, means.model)
    step = wanted(intent)
    if step is not Step.LOOK_UP:
        return Draft(step, event, said, intent)
    answered = await _look_up(means, facts, said)
    found = Step.NOT_FOUND if answered.abstained and not answered.citations else Step.ANSWER
    return Draft(found, event, said, intent, wording.answered(answered) if found is Step.ANSWER else None)


async def _look_up(means: Means, facts: Facts, question: str) -> Answered:
    assert facts.channel is not None, "who may speak has a channel"
    settings = means.settings
    found = await retrieve(
        means.database,
        question,
        namespace=facts.channel.namespace,
        top_k=PASSAGES,
        embedder=means.embedder,
    )
    said = answer(
        question,
        found.passages,
        means.model,
        max_tokens=settings.llm_max_tokens,
        allowed_hosts=settings.answer_link_hosts,
    )
    last = None
    async for event in said:
        last = event
    assert isinstance(last, Answered), "the last event of an answer is its end"
    return last


def _heard(means: Means, facts: Facts, place: int) -> Heard:
    past = facts.past[place]
    return hear(means.vault, past.event, past.body_sealed)
