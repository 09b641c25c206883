"""The embedder of this process."""

from functools import lru_cache

from core.embeddings import Embedder, make_embedder
from core.settings import Settings


@lru_cache(maxsize=1)
def embedder(settings: Settings) -> Embedder:
    """One for the process: a local model is loaded once, a remote one keeps its connections."""
    return make_embedder(settings)
