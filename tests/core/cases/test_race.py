from pathlib import Path

from tests.core.cases.office import Office
from tests.core.cases.race import Race


async def test_every_case_has_one_winner_at_a_time_though_agents_die(office: Office, tmp_path: Path) -> None:
    race = Race(office, tmp_path, processes=2, agents=20)
    await race.run(120, kill_every=3)
    assert await race.verdict() == {}
    assert len(race.told("won")) >= 120
