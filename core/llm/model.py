"""What a language model is to us: messages in, text in pieces out; and the three ways it fails."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str

    def as_json(self) -> dict[str, str]:
        """The form that OpenAI-compatible servers take."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text from `model`; the last one may be empty and carry the usage."""

    model: str
    text: str = ""
    usage: Usage | None = None


class LanguageModel(Protocol):
    """Anything that streams an answer. Raises only ModelFailed."""

    @property
    def name(self) -> str:
        """How the model is shown to people."""
        ...

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[Delta, None]:
        """The answer to `messages`, at most `max_tokens` long, in pieces."""
        ...


class ModelFailed(Exception):
    """The model gave no (whole) answer. `code` is stable; the text is for logs and never shown."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class ModelUnavailable(ModelFailed):
    """Not now: a time-out, no connection, 408, 429, 5xx or nonsense. Another model may answer."""


class ModelRefused(ModelFailed):
    """Not like this: a wrong key, model or request. Another model would hide a mistake of configuration."""


class ModelInterrupted(ModelFailed):
    """Some text came, then the stream broke. What was said cannot be taken back."""
