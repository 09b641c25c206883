"""Text to vectors: one protocol, three providers."""

from core.embeddings.protocol import Embedder
from core.embeddings.registry import make_embedder, probe

__all__ = ["Embedder", "make_embedder", "probe"]
