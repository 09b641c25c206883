"""Language models behind one small protocol: an OpenAI-compatible client and a chain that falls back."""
