"""Text to vectors: one protocol, three providers."""
