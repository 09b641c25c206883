from uuid import UUID

from core.access import PersonRole
from core.settings import Settings
from tests.agent_service.cases.desk import Desk
from tests.core.cases.office import Office
from worker_service.cases.maintenance import run
from worker_service.upkeep.service import do_chore

RULES = {
    "lease_hours": 8,
    "max_active": 2,
    "retake_after_hours": 0,
    "aging_hours": 12,
    "alert_hours": [1, 4],
    "calendar": {"opens": "08:00", "closes": "18:00", "holidays": ["2026-12-25"]},
}


async def test_maintenance_by_hand_by_beat_and_by_cron_writes_down_what_is_over(
    desk: Desk, office: Office, settings: Settings
) -> None:
    admin, ana = await desk.hire(PersonRole.ADMIN), await desk.hire()
    for index in range(4):
        case = await desk.open(ana)
        await desk.post(ana, f"/cases/{case['id']}/assign")
        await office.pass_time(UUID(case["id"]), "80 hours")
        if index == 0:
            assert await desk.post(admin, "/cases/scheduler/run-maintenance") == {"expired": 1, "alerted": 0}
        elif index == 1:
            assert await do_chore(desk.database, "maintain_cases") == 1
        elif index == 2:
            await run(settings)
        else:
            checked = await desk.post(admin, f"/cases/{case['id']}/check-expiry")
            assert (checked["status"], checked["version"]) == ("disponivel", 3)
            again = await desk.post(admin, f"/cases/{case['id']}/check-expiry")
            assert again["version"] == 3
    assert await desk.post(admin, "/cases/scheduler/run-maintenance") == {"expired": 0, "alerted": 0}
    ends = await office.fetch(
        "SELECT reason::text, ended_at = expires_at AS is_end FROM crm.case_assignments"
    )
    assert ends == [{"reason": "EXPIRED", "is_end": True}] * 4
    assert not await office.faults()


async def test_statistics_tell_how_the_pipeline_is_doing(desk: Desk, office: Office) -> None:
    ana, lead = await desk.hire(), await desk.hire(PersonRole.SUPERVISOR)
    cases = [await desk.open(ana) for _ in range(4)]
    tokens = [(await desk.post(ana, f"/cases/{case['id']}/assign"))["token"] for case in cases[:3]]
    await desk.post(ana, f"/cases/{cases[0]['id']}/release", {"token": tokens[0]})
    closing = {"token": tokens[1], "to": "sem_contato"}
    await desk.post(ana, f"/cases/{cases[1]['id']}/transition", closing)
    await office.pass_time(UUID(cases[2]["id"]), "74 hours")
    found = await desk.get(lead, "/cases/scheduler/statistics", days=2)
    assert found["by_status"] == {"disponivel": 3, "sem_contato": 1}
    assert (found["opened"], found["leases"], found["taken_now"]) == (4, 2, 0)
    assert found["ended"] == {"RELEASED": 1, "MOVED_ON": 1, "EXPIRED": 1}
    assert found["closed"] == {"sem_contato": 1}
    assert found["hours_held"] == 24.0
    await desk.get(ana, "/cases/scheduler/statistics", expect=403)


async def test_near_ends_are_listed_next_first_and_only_those_one_may_see(desk: Desk, office: Office) -> None:
    ana, bia, lead = await desk.hire(), await desk.hire(), await desk.hire(PersonRole.SUPERVISOR)
    cases = [await desk.open(ana) for _ in range(3)]
    for case, who, passed in zip(cases, (ana, ana, bia), ("70 hours", "71 hours", "60 hours"), strict=True):
        await desk.post(who, f"/cases/{case['id']}/assign")
        await office.pass_time(UUID(case["id"]), passed)
    path = "/cases/scheduler/cases-near-expiry"
    first = await desk.get(lead, path, hours_before=24, limit=2)
    rest = await desk.get(lead, path, hours_before=24, limit=2, cursor=first["next_cursor"])
    listed = [item["id"] for item in (*first["items"], *rest["items"])]
    assert listed == [cases[1]["id"], cases[0]["id"], cases[2]["id"]]
    hers = await desk.get(bia, path, hours_before=24)
    assert [item["id"] for item in hers["items"]] == [cases[2]["id"]]
    assert [item["id"] for item in (await desk.get(ana, path, hours_before=1))["items"]] == [cases[1]["id"]]


async def test_rules_are_changed_by_an_admin_and_hold_from_then_on(desk: Desk) -> None:
    admin, ana = await desk.hire(PersonRole.ADMIN), await desk.hire()
    answer = await desk.client.put("/cases/scheduler/rules", json=RULES, headers=ana.headers)
    assert answer.status_code == 403
    answer = await desk.client.put("/cases/scheduler/rules", json=RULES, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    rules = await desk.get(ana, "/cases/scheduler/rules")
    assert rules["alert_hours"] == [4, 1]
    assert rules["calendar"]["zone"] == "America/Sao_Paulo"
    for _ in range(2):
        await desk.open(ana)
        await desk.post(ana, "/cases/claim-next", {})
    await desk.open(ana)
    assert (await desk.post(ana, "/cases/claim-next", {}, expect=409))["code"] == "too_many_cases"
    wrong = {**RULES, "calendar": {"zone": "Lua/Mar"}}
    answer = await desk.client.put("/cases/scheduler/rules", json=wrong, headers=admin.headers)
    assert answer.status_code == 422
