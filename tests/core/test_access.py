from core.access import GRANTS, Permission, Principal, PrincipalKind, Role, permissions_of_role
from core.access import permissions_of_scopes as of_scopes
from core.apikeys import Scope


def test_every_permission_has_its_row() -> None:
    assert set(GRANTS) == set(Permission)


def test_the_operators_key_may_everything_and_an_unknown_scope_nothing() -> None:
    assert of_scopes([Scope.ADMIN]) == set(Permission)
    assert of_scopes(["gone"]) == of_scopes([]) == frozenset()


def test_duties_are_separated() -> None:
    assert Permission.NOTICES_MANAGE not in permissions_of_role(Role.ADMIN)
    assert Permission.TICKETS_WRITE not in permissions_of_role(Role.DPO)
    assert permissions_of_role(Role.AGENT) < permissions_of_role(Role.SUPERVISOR)
    assert permissions_of_role(Role.SUPERVISOR) < permissions_of_role(Role.ADMIN)


def test_a_principal_is_limited_to_its_own_unless_the_table_widens_it() -> None:
    agent = Principal(7, "a", PrincipalKind.PERSON, Role.AGENT, permissions_of_role(Role.AGENT))
    lead = Principal(8, "s", PrincipalKind.PERSON, Role.SUPERVISOR, permissions_of_role(Role.SUPERVISOR))
    assert agent.limited_to(Permission.TICKETS_ALL) == 7
    assert lead.limited_to(Permission.TICKETS_ALL) is None
