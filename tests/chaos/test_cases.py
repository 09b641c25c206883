import os
from pathlib import Path
from time import monotonic

import pytest

from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.core.cases.office import Office
from tests.core.cases.race import Race

CASES = int(os.environ.get("COGEP_CHAOS_CASES", "10000"))


@pytest.mark.timeout(3600)
async def test_a_hundred_agents_race_for_ten_thousand_cases(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    race = Race(Office(database, Vault.of(settings)), tmp_path, processes=4, agents=100)
    begun = monotonic()
    await race.run(CASES, kill_every=10)
    won = len(race.told("won"))
    print(f"{CASES} cases, {won} leases, {race.kills} kills, {monotonic() - begun:.0f} s")
    assert await race.verdict() == {}
    assert race.kills
    assert won >= CASES
