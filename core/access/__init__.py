"""Who may do what: the permission table, and the principal it is asked for. No HTTP and no SQL here."""

from core.access.permissions import (
    GRANTS,
    Permission,
    PersonRole,
    Role,
    permissions_of_role,
    permissions_of_scopes,
)
from core.access.principal import Principal, PrincipalKind

__all__ = [
    "GRANTS",
    "Permission",
    "PersonRole",
    "Principal",
    "PrincipalKind",
    "Role",
    "permissions_of_role",
    "permissions_of_scopes",
]
