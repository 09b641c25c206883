"""Prints the permission table into `docs/access.md`: `make access`."""

from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from core.access import GRANTS, Permission, Role
from core.apikeys import Scope
from core.migrations import ROOT
from core.web.auth import Anyone
from core.web.operations import Operation, operations

PAGE = ROOT / "docs" / "access.md"
MARK = "<!-- printed from here on -->\n"
PEOPLE = [role for role in Role if role is not Role.SERVICE]
YES, NO = "✓", ""


def printed(page: str) -> str:
    """The page with its tables made anew."""
    before, mark, _ = page.partition(MARK)
    return "\n".join([before + mark, *_tables()])


def _tables() -> Iterator[str]:
    from agent_service.main import app as agent
    from ingestion_service.main import app as ingestion

    yield from _permissions()
    yield from _operations("Ingestion service", ingestion)
    yield from _operations("Agent service", agent)


def _permissions() -> Iterator[str]:
    yield from ("### Permissions", "", _row("Permission", *PEOPLE, "key scopes"), _line(len(PEOPLE) + 2))
    for permission, grant in GRANTS.items():
        roles = (YES if role in grant.roles else NO for role in PEOPLE)
        yield _row(f"`{permission}`", *roles, _scopes(permission))
    yield ""


def _operations(title: str, app: FastAPI) -> Iterator[str]:
    yield from (f"### {title}", "", _row("Operation", "", "asks for", "roles", "key scopes"), _line(5))
    for operation in sorted(operations(app), key=lambda item: (item.path, item.method)):
        yield _row(f"`{operation}`", operation.summary, *_demand(operation))
    yield ""


def _demand(operation: Operation) -> tuple[str, str, str]:
    """What it asks for, of which roles, of which scopes."""
    if isinstance(operation.demand, Anyone):
        return f"nothing: {operation.demand.reason}", "", ""
    permission = operation.demand.permission
    if permission is None:
        return "a caller we know", "all", NO if operation.demand.people_only else "all"
    roles = (role for role in PEOPLE if role in GRANTS[permission].roles)
    return f"`{permission}`", ", ".join(roles) or "none", _scopes(permission)


def _scopes(permission: Permission) -> str:
    return ", ".join(scope for scope in Scope if scope in GRANTS[permission].scopes)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _line(columns: int) -> str:
    return f"|{'---|' * columns}"


def main(page: Path = PAGE) -> None:
    """Print the tables into the page."""
    page.write_text(printed(page.read_text()))


if __name__ == "__main__":
    main()
