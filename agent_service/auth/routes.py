"""HTTP words for coming in, staying and leaving."""

from http import HTTPStatus

from agent_service.auth import service
from agent_service.auth.deps import AtDoor, CallerAddress
from agent_service.auth.hashing import LoginsBusy
from agent_service.auth.schemas import LoginIn, MeOut, PasswordChangeIn, RefreshIn, SessionOut
from agent_service.auth.throttle import TooManyFailures
from core.errors import Unauthenticated, Unavailable
from core.tokens import LoginClosed
from core.web.auth import Caller, CallerSession, NotAPerson, anyone, requires_somebody
from core.web.idempotency import commits_itself
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (ValidationFailed, Unavailable, LoginClosed, BodyTooLarge, UnsupportedMediaType)
WITH_PASSWORD = [anyone("the password is the key")]
WITH_REFRESH_TOKEN = [anyone("the refresh token is the key")]
OF_THE_CALLER = [requires_somebody()]
OF_A_PERSON = [requires_somebody(people_only=True)]

auth = router(prefix="/auth", tags=["sessions"])


@auth.post(
    "/login",
    summary="Log in",
    dependencies=WITH_PASSWORD,
    responses=responses(*ALWAYS, service.LoginRefused, TooManyFailures, LoginsBusy),
)
async def login(asked: LoginIn, door: AtDoor, address: CallerAddress) -> SessionOut:
    """An access token for ten minutes, and a refresh token for the next ones. A session lasts seven days."""
    return await service.login(door, asked, address)


@auth.post(
    "/refresh",
    summary="Get the next access token",
    dependencies=WITH_REFRESH_TOKEN,
    responses=responses(*ALWAYS, service.SessionEnded),
)
async def refresh(asked: RefreshIn, door: AtDoor) -> SessionOut:
    """The refresh token is used up by this. Used again after half a minute, it ends its session."""
    return await service.refresh(door, asked.refresh_token.get_secret_value())


@auth.post(
    "/logout",
    summary="Log out",
    dependencies=WITH_REFRESH_TOKEN,
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(*ALWAYS),
)
async def logout(asked: RefreshIn, door: AtDoor) -> None:
    """The session ends at once, its access tokens too. A token that is none of ours is no error."""
    await service.logout(door, asked.refresh_token.get_secret_value())


@auth.get(
    "/me",
    summary="Who am I, and what may I do?",
    dependencies=OF_THE_CALLER,
    responses=responses(Unauthenticated, ValidationFailed, Unavailable),
)
async def get_me(caller: Caller, database: Db) -> MeOut:
    """For keys and people alike; only people have an e-mail."""
    return await service.get_me(database, caller)


@auth.post(
    "/password",
    summary="Change my password",
    dependencies=[*OF_A_PERSON, commits_itself("a failure counts before the password is looked at")],
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(
        *ALWAYS, Unauthenticated, NotAPerson, service.WrongPassword, TooManyFailures, LoginsBusy
    ),
)
async def change_password(
    asked: PasswordChangeIn, caller: Caller, session: CallerSession, door: AtDoor, address: CallerAddress
) -> None:
    """All other sessions of the person end; this one goes on."""
    await service.change_password(door, caller.id, session, asked, address)
