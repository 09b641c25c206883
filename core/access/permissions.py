"""The permission table: which roles of people and which scopes of API keys may do what.

Every operation of the APIs names one permission of this table (`core.web.auth.requires`); `docs/access.md` is
printed from it, and a test walks all operations with all kinds of callers.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from core.apikeys import Scope


class Role(StrEnum):
    """What somebody is here. `service` is every API key; the others are people."""

    SERVICE = "service"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    DPO = "dpo"


class PersonRole(StrEnum):
    """The roles a person may have, as the database names them: all but `service`."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    DPO = "dpo"


class Permission(StrEnum):
    """One thing that may be allowed. `*:all` widens a list from one's own rows to everybody's."""

    DOCUMENTS_SUBMIT = "documents:submit"
    JOBS_ALL = "jobs:all"
    MESSAGES_SUBMIT = "messages:submit"
    EVENTS_ALL = "events:all"
    KNOWLEDGE_READ = "knowledge:read"
    KNOWLEDGE_MANAGE = "knowledge:manage"
    CHAT_USE = "chat:use"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    CLIENTS_MERGE = "clients:merge"
    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    TICKETS_ASSIGN = "tickets:assign"
    TICKETS_ALL = "tickets:all"
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    CASES_ASSIGN = "cases:assign"
    CASES_ALL = "cases:all"
    CASES_MAINTAIN = "cases:maintain"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CONVERSATIONS_ALL = "conversations:all"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    NOTICES_MANAGE = "notices:manage"
    PRIVACY_MANAGE = "privacy:manage"
    CHANNELS_MANAGE = "channels:manage"
    WEBHOOKS_MANAGE = "webhooks:manage"
    PEOPLE_MANAGE = "people:manage"
    KEYS_MANAGE = "keys:manage"
    AUDIT_READ = "audit:read"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    METRICS_READ = "metrics:read"


class Grant(NamedTuple):
    """Who has a permission: people by role, API keys by scope (`admin` implies every scope)."""

    roles: frozenset[Role]
    scopes: frozenset[Scope]


def _grant(*holders: Role | Scope) -> Grant:
    """A grant to these holders. A key of scope `admin` may do everything: it is the operator's own."""
    roles = frozenset(holder for holder in holders if isinstance(holder, Role))
    scopes = frozenset(holder for holder in holders if isinstance(holder, Scope))
    return Grant(roles, scopes | {Scope.ADMIN})


_STAFF = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
_LEADS = (Role.SUPERVISOR, Role.ADMIN)

GRANTS: MappingProxyType[Permission, Grant] = MappingProxyType(
    {
        Permission.DOCUMENTS_SUBMIT: _grant(Scope.INGEST, *_LEADS),
        Permission.JOBS_ALL: _grant(Role.ADMIN),
        Permission.MESSAGES_SUBMIT: _grant(Scope.INGEST, Role.ADMIN),
        Permission.EVENTS_ALL: _grant(Role.ADMIN),
        Permission.KNOWLEDGE_READ: _grant(Scope.READ, *_STAFF, Role.DPO),
        Permission.KNOWLEDGE_MANAGE: _grant(Role.ADMIN),
        Permission.CHAT_USE: _grant(Scope.CHAT, *_STAFF),
        Permission.CLIENTS_READ: _grant(Scope.CRM, Scope.READ, *_STAFF, Role.DPO),
        Permission.CLIENTS_WRITE: _grant(Scope.CRM, *_STAFF),
        Permission.CLIENTS_MERGE: _grant(*_LEADS),
        Permission.TICKETS_READ: _grant(Scope.CRM, *_STAFF),
        Permission.TICKETS_WRITE: _grant(Scope.CRM, *_STAFF),
        Permission.TICKETS_ASSIGN: _grant(*_LEADS),
        Permission.TICKETS_ALL: _grant(Scope.CRM, *_LEADS),
        Permission.CASES_READ: _grant(Scope.CRM, *_STAFF),
        Permission.CASES_WRITE: _grant(Scope.CRM, *_STAFF),
        Permission.CASES_ASSIGN: _grant(*_LEADS),
        Permission.CASES_ALL: _grant(Scope.CRM, *_LEADS),
        Permission.CASES_MAINTAIN: _grant(Role.ADMIN),
        Permission.CONVERSATIONS_READ: _grant(Scope.CRM, *_STAFF),
        Permission.CONVERSATIONS_WRITE: _grant(Scope.CRM, *_STAFF),
        Permission.CONVERSATIONS_ALL: _grant(Scope.CRM, *_LEADS),
        Permission.CONSENTS_READ: _grant(Scope.CRM, *_STAFF, Role.DPO),
        Permission.CONSENTS_WRITE: _grant(Scope.CRM, *_STAFF, Role.DPO),
        Permission.NOTICES_MANAGE: _grant(Role.DPO),
        Permission.PRIVACY_MANAGE: _grant(Role.DPO),
        Permission.CHANNELS_MANAGE: _grant(Role.ADMIN),
        Permission.WEBHOOKS_MANAGE: _grant(Role.ADMIN),
        Permission.PEOPLE_MANAGE: _grant(Role.ADMIN),
        Permission.KEYS_MANAGE: _grant(Role.ADMIN),
        Permission.AUDIT_READ: _grant(Role.ADMIN, Role.DPO),
        Permission.IMPORTS_READ: _grant(*_LEADS),
        Permission.IMPORTS_WRITE: _grant(*_LEADS),
        Permission.METRICS_READ: _grant(Role.ADMIN),
    }
)
"""The table. A permission without a row is nobody's."""


def permissions_of_role(role: Role) -> frozenset[Permission]:
    """What a person of this role may do."""
    return _BY_ROLE[role]


def permissions_of_scopes(scopes: Iterable[str]) -> frozenset[Permission]:
    """What a key with these scopes may do; a scope that no longer exists grants nothing."""
    held = frozenset(scopes)
    return frozenset(permission for permission, grant in GRANTS.items() if not held.isdisjoint(grant.scopes))


def _of_role(role: Role) -> Collection[Permission]:
    return frozenset(permission for permission, grant in GRANTS.items() if role in grant.roles)


_BY_ROLE = MappingProxyType({role: frozenset(_of_role(role)) for role in Role})
