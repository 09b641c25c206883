"""Which addresses may be handed in.

The worker resolves names and decides again; what is plainly private or malformed is refused here at once,
while somebody is there to read the answer.
"""

from http import HTTPStatus
from urllib.parse import urldefrag

from core.errors import DomainError, JobError
from core.netguard import AllowList, check_url


class UrlNotAllowed(DomainError):
    """The address is malformed, not http or https, carries credentials, or is private."""

    code = "url_not_allowed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check_address(url: str, allowed_hosts: frozenset[str], *, pointer: str) -> str:
    """The address as it will be stored, without its fragment. Raises UrlNotAllowed."""
    try:
        check_url(url, AllowList(allowed_hosts))
    except JobError as error:
        raise UrlNotAllowed(error.detail, pointer=pointer) from None
    return urldefrag(url).url
