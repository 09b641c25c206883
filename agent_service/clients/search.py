"""Find clients: by what they are known by, whole; else by the words of their name, nearly."""

from agent_service.clients import queries
from agent_service.clients.schemas import ClientQuery, ClientRow
from core.contacts.keys import Key, key_of
from core.contacts.message import Identifier
from core.db import Database
from core.matching import IdentityKind, Unmatchable, canonical
from core.vault import Vault
from core.web.pagination import Page, page_of

SEARCHED = (IdentityKind.CPF, IdentityKind.CNPJ, IdentityKind.PHONE, IdentityKind.EMAIL)
MOST_WORDS = 6


async def list_clients(database: Database, vault: Vault, query: ClientQuery) -> Page[ClientRow]:
    """A page of clients, newest first. Raises BadCursor."""
    keys = [] if query.q is None else _keys(vault, query.q)
    async with database.transaction() as session:
        words = [] if query.q is None or keys else await queries.list_words(session, query.q)
        if query.q is not None and not keys and not words:
            return Page(items=[], next_cursor=None)
        rows = await queries.list_clients(
            session,
            query.status.value,
            keys=keys,
            words=words[:MOST_WORDS],
            before=query.before,
            limit=query.limit + 1,
        )
    return page_of(rows, query.limit, lambda row: ClientRow(**row))


def _keys(vault: Vault, q: str) -> list[Key]:
    """What the text may be, as an identity: eleven digits may be a CPF and a mobile's number."""
    keys = []
    for kind in SEARCHED:
        try:
            keys.append(key_of(vault, Identifier(kind, canonical(kind, q), q)))
        except Unmatchable:
            continue
    return keys
