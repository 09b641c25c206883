"""Nobody overwrites what they have not seen: a version as an ETag, and `If-Match`.

RFC 9110, 13.1.1 (If-Match, 412) and RFC 6585, 3 (428).
"""

from http import HTTPStatus
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Header
from fastapi.responses import Response

from core.errors import DomainError

_DESCRIPTION = 'the ETag the thing had when you read it, for example `"3"`'


class PreconditionRequired(DomainError):
    """This changes what others may be changing: send `If-Match` with the ETag you read."""

    code = "precondition_required"
    status = HTTPStatus.PRECONDITION_REQUIRED


class PreconditionFailed(DomainError):
    """The thing is not what you read any more: read it again, then decide again."""

    code = "precondition_failed"
    status = HTTPStatus.PRECONDITION_FAILED


class Versioned(Protocol):
    """What has a version."""

    @property
    def version(self) -> int:
        """Greater after each change."""


V = TypeVar("V", bound=Versioned)


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def tagged(response: Response, shown: V) -> V:
    """The answer itself, its version in the `ETag` header."""
    response.headers["ETag"] = etag(shown.version)
    return shown


def require_version(expected: str | None, version: int) -> None:
    """Raise PreconditionFailed when `expected` is given and is not the ETag of the version.

    Versions are strong ETags, one each: a weak one, a list or `*` names none of them.
    """
    if expected is not None and expected.strip() != etag(version):
        raise PreconditionFailed("it was changed since you read it; read it again")


async def _required(if_match: Annotated[str | None, Header(description=_DESCRIPTION)] = None) -> str:
    if if_match is None:
        raise PreconditionRequired("send `If-Match` with the ETag you read")
    return if_match


async def _optional(
    if_match: Annotated[str | None, Header(description=f"{_DESCRIPTION}; optional here")] = None,
) -> str | None:
    return if_match


IfMatch = Annotated[str, Depends(_required)]
"""The ETag the caller must give; give it to `require_version` beside the locked row's version."""

IfMatchOptional = Annotated[str | None, Depends(_optional)]
"""The ETag the caller may give."""

TAGGED: dict[str, Any] = {"headers": {"ETag": {"description": "the version", "schema": {"type": "string"}}}}
"""What a route's `responses` say of an answer with an ETag."""
