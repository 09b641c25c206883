"""Log in, stay in, leave. What a person may do is not said here: it is read anew on every call."""

from dataclasses import dataclass
from uuid import UUID

from agent_service.auth import queries, throttle
from agent_service.auth.hashing import Hashing
from agent_service.auth.queries import Row
from agent_service.auth.schemas import LoginIn, MeOut, PasswordChangeIn, SessionOut
from core import audit, people
from core.access import Principal, PrincipalKind
from core.db import Connection, Database
from core.errors import Forbidden, Unauthenticated
from core.ids import uuid7
from core.people import NotAnEmail
from core.tokens import Claims, Tokens, first_refresh_token, refresh_digest

SESSION_SECONDS = 7 * 24 * 3600.0
REPEAT_SECONDS = 30.0  # how long a client that lost the answer to its refresh may ask again
NO_EMAIL = ""


class LoginRefused(Unauthenticated):
    """The e-mail, the password or both are wrong, or the account is closed; nothing says which."""

    code = "login_refused"


class SessionEnded(Unauthenticated):
    """This refresh token is used up, revoked, expired or none of ours: log in anew."""

    code = "session_ended"


class WrongPassword(Forbidden):
    """The current password is another one."""

    code = "wrong_password"


@dataclass(frozen=True, slots=True)
class Door:
    """What it takes to let people in."""

    database: Database
    tokens: Tokens
    hashing: Hashing


async def login(door: Door, asked: LoginIn, address: str) -> SessionOut:
    """Begin a session. Raises LoginRefused, TooManyFailures or LoginsBusy."""
    email = _key_of(asked.email)
    counted = throttle.counters(door.tokens, email, address)
    async with door.hashing.place():
        await throttle.admit(door.database, counted)
        row = await _find(door.database, email)
        stored = row["password_hash"] if row else None
        right, fresh = await door.hashing.verify(asked.password.get_secret_value(), stored)
    if row is None or not right:
        raise LoginRefused("this e-mail and password do not belong together")
    async with door.database.connection() as connection, connection.transaction():
        if not await queries.enter(connection, row["key"], row["password_hash"], fresh):
            raise LoginRefused("this e-mail and password do not belong together")
        await throttle.forgive(connection, counted)
        return await _begin(door.tokens, connection, row)


async def refresh(door: Door, given: str) -> SessionOut:
    """Continue a session with the next pair of tokens. Raises SessionEnded.

    A used token tells of a thief, so its family ends; but for half a minute, while its successor is unused,
    it tells of a client that lost the answer, which gets the same successor again.
    """
    successor = door.tokens.successor(given)
    used, unused = refresh_digest(given), refresh_digest(successor)
    async with door.database.connection() as connection, connection.transaction():
        token = await queries.lock_token(connection, used, unused, REPEAT_SECONDS)
        continues = await _continue(connection, token, used, unused)
    if token is None or not continues:
        raise SessionEnded("this refresh token does not continue a session: log in")
    claims = Claims(token["person"], token["family"])
    return _session(door.tokens, claims, successor, token)


async def logout(door: Door, given: str) -> None:
    """End the session of this refresh token, if it has one: leaving always succeeds."""
    successor = refresh_digest(door.tokens.successor(given))
    async with door.database.connection() as connection, connection.transaction():
        token = await queries.lock_token(connection, refresh_digest(given), successor, REPEAT_SECONDS)
        if token is not None:
            await queries.end_family(connection, token["family"])


async def get_me(database: Database, caller: Principal) -> MeOut:
    """The caller, and what the table lets them do."""
    row = None
    if caller.kind is PrincipalKind.PERSON:
        async with database.connection() as connection:
            row = await queries.find_me(connection, caller.id)
    permissions = sorted(caller.permissions)
    return MeOut(
        kind=caller.kind, name=caller.name, role=caller.role, permissions=permissions, **dict(row or {})
    )


async def change_password(
    door: Door, person: int, session: UUID, asked: PasswordChangeIn, address: str
) -> None:
    """A new password for oneself; all other sessions end. Raises WrongPassword or TooManyFailures."""
    counted = throttle.counters(door.tokens, f"person {person}", address)
    async with door.hashing.place():
        await throttle.admit(door.database, counted)
        async with door.database.connection() as connection:
            stored = await queries.find_password(connection, person)
        right, _ = await door.hashing.verify(asked.current.get_secret_value(), stored)
    if not right:
        raise WrongPassword("this is not your password", pointer="/current")
    fresh = await door.hashing.hash(asked.new.get_secret_value())
    async with door.database.connection() as connection, connection.transaction():
        if await queries.lock_password(connection, person) != stored:
            raise WrongPassword("your password was changed meanwhile", pointer="/current")
        await throttle.forgive(connection, counted)
        row = await people.get_person_by_key(connection, person)
        await people.set_password(connection, row, fresh, actor=person, spare=session)


async def _begin(tokens: Tokens, connection: Connection, person: Row) -> SessionOut:
    claims, first = Claims(person["id"], uuid7()), first_refresh_token()
    ends = await queries.insert_first(
        connection, refresh_digest(first), claims.session, person["key"], SESSION_SECONDS
    )
    return SessionOut(access_token=tokens.issue(claims), refresh_token=first, session_ends_at=ends)


async def _continue(connection: Connection, token: Row | None, used: bytes, unused: bytes) -> bool:
    """Whether the session goes on with the successor; a token used long ago ends it."""
    if token is None or not token["living"]:
        return False
    if not token["used"]:
        await queries.rotate(connection, used, unused, token)
        return True
    if not token["repeatable"]:
        await queries.end_family(connection, token["family"])
        subject = f"person/{token['person']}"
        await audit.record(connection, actor=None, action="session.token_reused", subject=subject)
        return False
    return True


def _session(tokens: Tokens, claims: Claims, refresh_token: str, token: Row) -> SessionOut:
    access = tokens.issue(claims)
    return SessionOut(access_token=access, refresh_token=refresh_token, session_ends_at=token["expires_at"])


async def _find(database: Database, email_key: str) -> Row | None:
    async with database.connection() as connection:
        return await queries.find_login(connection, email_key)


def _key_of(email: str) -> str:
    """What is no e-mail is nobody's, and takes as long to refuse."""
    try:
        return people.email_key(email)
    except NotAnEmail:
        return NO_EMAIL
