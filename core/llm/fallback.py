"""Several models in order: the next one is asked only when the one before could not say a word."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from core.llm.model import Delta, LanguageModel, Message, ModelUnavailable

log = structlog.get_logger(__name__)


class Fallback:
    """A language model made of others. Raises what the last one tried raises."""

    def __init__(self, models: Sequence[LanguageModel]) -> None:
        assert models, "a chain has at least one model"
        self._models = tuple(models)

    @property
    def name(self) -> str:
        """The first choice; each Delta names the model that speaks."""
        return self._models[0].name

    async def stream(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[Delta, None]:
        """The answer of the first model that is available. A refusal is not hidden by asking the next."""
        *others, last = self._models
        for model in others:
            try:
                async with aclosing(model.stream(messages, max_tokens=max_tokens)) as deltas:
                    async for delta in deltas:
                        yield delta
            except ModelUnavailable as error:
                log.warning("llm_fallback", model=model.name, code=error.code)
            else:
                return
        async with aclosing(last.stream(messages, max_tokens=max_tokens)) as deltas:
            async for delta in deltas:
                yield delta
