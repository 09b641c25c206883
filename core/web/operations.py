"""What an application offers, and whom it asks for: the rows of `docs/access.md` and of the access matrix."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI

from core.web.auth import Anyone, Requires
from core.web.requests import StrictRoute


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path. `demand` is what its route says in its `dependencies`."""

    method: str
    path: str
    summary: str
    demand: Requires | Anyone

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(app: FastAPI) -> Iterator[Operation]:
    """Every operation of an application of `create_app`, in the order of its routers."""
    for routes in app.state.routers:
        for route in routes.routes:
            assert isinstance(route, StrictRoute), "create_app refuses any other"
            for method in sorted(route.methods or ()):
                yield Operation(method, route.path, route.summary or "", _demand(route))


def _demand(route: StrictRoute) -> Requires | Anyone:
    demands = [item.call for item in route.dependant.dependencies]
    return next(demand for demand in demands if isinstance(demand, Requires | Anyone))
