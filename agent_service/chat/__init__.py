"""A question over HTTP: plain, streamed, or as an OpenAI client would ask it."""
