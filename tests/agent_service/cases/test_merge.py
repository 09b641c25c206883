from core.access import PersonRole
from tests.agent_service.cases.desk import Desk


async def test_cases_go_along_with_a_merge_and_come_back(desk: Desk) -> None:
    lead = await desk.hire(PersonRole.SUPERVISOR)
    winner, loser = await desk.customer(), await desk.customer()
    case = await desk.open(lead, client_id=loser)
    merge = await desk.post(lead, f"/crm/clients/{winner}/merge", {"other": loser})
    assert merge["moved"]["cases"] == 1
    assert (await desk.get(lead, f"/cases/{case['id']}"))["client_id"] == winner
    await desk.post(lead, f"/crm/merges/{merge['id']}/undo")
    assert (await desk.get(lead, f"/cases/{case['id']}"))["client_id"] == loser


async def test_clients_with_open_cases_at_one_entity_are_not_merged(desk: Desk) -> None:
    lead = await desk.hire(PersonRole.SUPERVISOR)
    winner, loser = await desk.customer(), await desk.customer()
    for client in (winner, loser):
        case = await desk.open(lead, client_id=client)
    refused = await desk.post(lead, f"/crm/clients/{winner}/merge", {"other": loser}, expect=409)
    assert refused["code"] == "open_cases_collide"
    await desk.post(lead, f"/cases/{case['id']}/transition", {"token": 0, "to": "encerrado"})
    await desk.post(lead, f"/crm/clients/{winner}/merge", {"other": loser})
