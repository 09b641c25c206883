"""HTTP words for administering people."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from agent_service.auth.deps import PasswordHashing
from agent_service.auth.hashing import LoginsBusy
from agent_service.people import service
from agent_service.people.schemas import (
    NewPersonOut,
    PasswordResetIn,
    PasswordResetOut,
    PersonChange,
    PersonIn,
    PersonOut,
)
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.people import EmailTaken, LastAdmin, NotAnEmail
from core.web.auth import Caller, requires
from core.web.etags import TAGGED, IfMatch, PreconditionFailed, PreconditionRequired, tagged
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
WITH_BODY = (*ALWAYS, BodyTooLarge, UnsupportedMediaType)
MAY_MANAGE = [requires(Permission.PEOPLE_MANAGE)]

people = router(prefix="/people", tags=["people"])


@people.get(
    "", summary="List people, newest first", dependencies=MAY_MANAGE, responses=responses(*ALWAYS, BadCursor)
)
async def list_people(query: Annotated[PageQuery, Query()], database: Db) -> Page[PersonOut]:
    """Who was let out is listed too."""
    return await service.list_people(database, query)


@people.post(
    "",
    summary="Add a person",
    dependencies=MAY_MANAGE,
    status_code=HTTPStatus.CREATED,
    responses=responses(*WITH_BODY, EmailTaken, NotAnEmail, LoginsBusy),
)
async def create_person(
    asked: PersonIn, caller: Caller, database: Db, hashing: PasswordHashing
) -> NewPersonOut:
    """They may log in at once."""
    return await service.create_person(database, hashing, caller, asked)


@people.get(
    "/{person_id}",
    summary="One person",
    dependencies=MAY_MANAGE,
    responses={200: TAGGED, **responses(*ALWAYS, NotFound)},
)
async def get_person(person_id: UUID, response: Response, database: Db) -> PersonOut:
    """With the ETag that a change needs."""
    return tagged(response, await service.get_person(database, person_id))


@people.patch(
    "/{person_id}",
    summary="Change a person's name or role, let them out or in",
    dependencies=MAY_MANAGE,
    responses={
        200: TAGGED,
        **responses(*WITH_BODY, NotFound, LastAdmin, PreconditionFailed, PreconditionRequired),
    },
)
async def change_person(
    person_id: UUID, asked: PersonChange, expected: IfMatch, response: Response, caller: Caller, database: Db
) -> PersonOut:
    """It works on the next call of that person. The last active admin stays one."""
    return tagged(response, await service.change_person(database, caller, person_id, expected, asked))


@people.post(
    "/{person_id}/password",
    summary="Reset a person's password",
    dependencies=MAY_MANAGE,
    responses=responses(*WITH_BODY, NotFound, LoginsBusy),
)
async def reset_password(
    person_id: UUID, asked: PasswordResetIn, caller: Caller, database: Db, hashing: PasswordHashing
) -> PasswordResetOut:
    """All sessions of that person end."""
    return await service.reset_password(database, hashing, caller, person_id, asked)
