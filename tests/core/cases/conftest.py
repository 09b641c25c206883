import pytest

from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.core.cases.office import Office


@pytest.fixture
def office(database: Database, settings: Settings) -> Office:
    return Office(database, Vault.of(settings))
