"""The embedding provider that the settings ask for."""

from core.embeddings.fastembed import DEFAULT_MODEL, FastEmbed
from core.embeddings.hashed_ngrams import HashedNgrams
from core.embeddings.openai_compatible import OpenAICompatible
from core.embeddings.protocol import Embedder, rejected
from core.settings import EmbeddingProvider, Settings


def make_embedder(settings: Settings) -> Embedder:
    """An embedder for the process to keep. Touches neither network nor disk.

    Raises JobError `embedding_rejected` when `openai_compatible` lacks its URL or model.
    """
    if settings.embedding_provider is EmbeddingProvider.HASHED_NGRAMS:
        return HashedNgrams()
    if settings.embedding_provider is EmbeddingProvider.FASTEMBED:
        return FastEmbed(
            settings.embedding_model or DEFAULT_MODEL,
            path=settings.embedding_model_path,
            batch=settings.embedding_batch,
            query_prefix=settings.embedding_query_prefix,
            passage_prefix=settings.embedding_passage_prefix,
        )
    return _over_http(settings)


async def probe(embedder: Embedder) -> int:
    """The dimensions of the model, from a real answer when it does not say. Raises JobError."""
    if embedder.dimensions is None:
        return (await embedder.embed_query("olá")).dimensions()
    return embedder.dimensions


def _over_http(settings: Settings) -> OpenAICompatible:
    if not settings.embedding_base_url or not settings.embedding_model:
        raise rejected("openai_compatible needs COGEP_EMBEDDING_BASE_URL and COGEP_EMBEDDING_MODEL.")
    key = settings.embedding_api_key
    return OpenAICompatible(
        settings.embedding_base_url,
        settings.embedding_model,
        api_key=key.get_secret_value() if key else None,
        batch=settings.embedding_batch,
        timeout=settings.embedding_timeout_seconds,
        query_prefix=settings.embedding_query_prefix,
        passage_prefix=settings.embedding_passage_prefix,
    )
