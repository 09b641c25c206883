"""The language model that the settings ask for."""

import httpx

from core.llm.fallback import Fallback
from core.llm.model import LanguageModel
from core.llm.openai_compatible import OpenAICompatible
from core.settings import Settings


def configured_model(settings: Settings, client: httpx.AsyncClient) -> LanguageModel | None:
    """A chain over `llm_models`; None when no server or model is set: the extractive answerer answers."""
    if not settings.llm_base_url or not settings.llm_models:
        return None
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return Fallback(
        [
            OpenAICompatible(
                client, settings.llm_base_url, name, api_key=key, timeout=settings.llm_timeout_seconds
            )
            for name in settings.llm_models
        ]
    )
