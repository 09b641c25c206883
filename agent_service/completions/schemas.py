"""OpenAI's words for a conversation. What we do not use, such as `temperature`, is accepted and ignored."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from agent_service.chat.schemas import MAX_QUESTION, CitationOut, Question

MODEL = "cogep"
_SEPARATOR = ":"
_QUESTION: TypeAdapter[str] = TypeAdapter(Question)


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(_Lenient):
    """A piece of a message; only text can be answered."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_QUESTION)]


class MessageIn(_Lenient):
    """One turn. Only the last one of the user is answered: an answer rests on documents, not on talk."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=100_000)] | list[Part] | None = None

    @property
    def text(self) -> str:
        """The words of the message."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(_Lenient):
    """Options of a stream."""

    include_usage: bool = False


class CompletionIn(_Lenient):
    """A request as any OpenAI client sends it."""

    model: Annotated[
        str, Field(pattern=r"^cogep(?::[a-z0-9][a-z0-9_-]{0,62})?$", examples=["cogep", "cogep:rh"])
    ] = MODEL
    messages: list[MessageIn] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def namespace(self) -> str:
        """`cogep` is the default namespace, `cogep:rh` the namespace `rh`."""
        return self.model.partition(_SEPARATOR)[2] or "default"

    @property
    def question(self) -> str:
        """What the user said last."""
        return next((turn.text for turn in reversed(self.messages) if turn.role == "user"), "")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        try:
            _QUESTION.validate_python(self.question)
        except ValidationError:
            raise PydanticCustomError("question", "the user's last message must be a question") from None
        return self

    @property
    def with_usage(self) -> bool:
        """Whether the stream should end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


class MessageOut(BaseModel):
    """What we say."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """There is one."""

    index: int = 0
    message: MessageOut
    finish_reason: Literal["stop"] = "stop"


class TokensOut(BaseModel):
    """Tokens; zeros when no language model spoke."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class CompletionOut(BaseModel):
    """A completion, with our citations beside it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokensOut
    citations: list[CitationOut]
    abstained: bool


class ModelOut(BaseModel):
    """A namespace, as a model to choose."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = MODEL


class ModelsOut(BaseModel):
    """The models to choose from."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


Chunk = dict[str, Any]
"""A `chat.completion.chunk`."""
