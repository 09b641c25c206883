"""The same answers for any client that speaks OpenAI's chat completions."""
