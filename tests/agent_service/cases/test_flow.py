from datetime import datetime, timedelta
from uuid import UUID

from core.access import PersonRole
from tests.agent_service.cases.desk import Desk
from tests.core.cases.office import Office


async def test_a_case_from_the_pool_to_its_contract(desk: Desk, office: Office) -> None:
    ana, lead = await desk.hire(), await desk.hire(PersonRole.SUPERVISOR, "Chefe")
    case = await desk.open(ana, data={"margem": "350.00"})
    path = f"/cases/{case['id']}"
    assert (case["status"], case["owner"], case["token"]) == ("disponivel", None, 0)
    assert await desk.ids(ana, pool=True) == [case["id"]]

    taken = await desk.post(ana, f"{path}/assign")
    assert taken["owner"] == {"id": str(ana.id), "name": "Ana"}
    assert datetime.fromisoformat(taken["expires_at"]) - datetime.fromisoformat(
        taken["updated_at"]
    ) == timedelta(hours=72)
    sent = await desk.post(ana, f"{path}/send-to-calculista", {"token": taken["token"]})
    assert (sent["status"], sent["owner"]) == ("calculista_pendente", None)
    refused = await desk.post(
        ana, f"{path}/transition", {"token": sent["token"], "to": "calculo_aprovado"}, expect=409
    )
    assert refused["code"] == "transition_not_allowed"
    approved = await desk.post(
        lead, f"{path}/transition", {"token": sent["token"], "to": "calculo_aprovado", "reason": "confere"}
    )
    again = await desk.post(ana, f"{path}/assign")
    assert (again["status"], again["token"]) == ("calculo_aprovado", approved["token"] + 1)
    closing = await desk.post(
        ana, f"{path}/transition", {"token": again["token"], "to": "fechamento_pendente"}
    )
    assert closing["owner"]["name"] == "Ana"
    done = await desk.post(
        lead, f"{path}/transition", {"token": closing["token"], "to": "contrato_efetivado"}
    )
    assert (done["status"], done["owner"], done["data"]) == ("contrato_efetivado", None, {"margem": "350.00"})

    events = (await desk.get(lead, f"{path}/events"))["items"]
    assert [event["change"] for event in reversed(events)] == [
        "opened",
        "assigned",
        "sent_to_calculista",
        "transitioned",
        "assigned",
        "transitioned",
        "transitioned",
    ]
    assert events[3]["reason"] == "confere"
    leases = (await desk.get(ana, f"{path}/assignments"))["items"]
    assert [lease["reason"] for lease in leases] == ["MOVED_ON", "SENT_TO_CALCULISTA"]
    told = await office.fetch("SELECT type, data FROM ops.outbox_events WHERE type LIKE 'case.%' ORDER BY id")
    assert [row["type"] for row in told] == [
        "case.opened",
        "case.assigned",
        "case.transitioned",
        "case.transitioned",
        "case.assigned",
        "case.transitioned",
        "case.closed",
    ]
    actions = await office.fetch("SELECT action FROM ops.audit_log WHERE action LIKE 'case.%'")
    assert len(actions) == 7
    assert not await office.faults()


async def test_who_comes_second_hears_that_it_is_taken_and_sees_no_more_of_it(desk: Desk) -> None:
    ana, bia = await desk.hire(), await desk.hire(name="Bia")
    case = await desk.open(ana)
    path = f"/cases/{case['id']}"
    token = (await desk.post(ana, f"{path}/assign"))["token"]
    assert (await desk.post(bia, f"{path}/assign", expect=409))["code"] == "case_already_assigned"
    for late in ("release", "send-to-calculista"):
        await desk.post(bia, f"{path}/{late}", {"token": token}, expect=404)
    await desk.get(bia, path, expect=404)
    assert await desk.ids(bia) == []


async def test_an_expired_case_is_shown_as_what_it_is_and_its_token_is_refused(
    desk: Desk, office: Office
) -> None:
    ana, bia = await desk.hire(), await desk.hire(name="Bia")
    case = await desk.open(ana)
    path, key = f"/cases/{case['id']}", UUID(case["id"])
    token = (await desk.post(ana, f"{path}/assign"))["token"]
    await office.pass_time(key, "72 hours")
    seen = await desk.get(bia, path)
    assert (seen["status"], seen["owner"], seen["expires_at"]) == ("disponivel", None, None)
    assert await desk.ids(bia, pool=True) == [case["id"]]
    assert await desk.ids(bia, pool=False) == await desk.ids(ana, owner="me") == []
    (lease,) = (await desk.get(bia, f"{path}/assignments"))["items"]
    assert (lease["reason"], lease["ended_at"]) == ("EXPIRED", lease["expires_at"])
    stale = await desk.post(ana, f"{path}/release", {"token": token}, expect=409)
    assert stale["code"] == "stale_token"
    assert (await desk.post(ana, f"{path}/assign", expect=409))["code"] == "retake_too_soon"
    assert (await desk.post(bia, "/cases/claim-next", {}))["id"] == case["id"]
    stale = await desk.post(ana, f"{path}/transition", {"token": token, "to": "sem_contato"}, expect=409)
    assert stale["code"] == "stale_token"
    assert not await office.faults()


async def test_leads_hand_on_and_extend_agents_do_not(desk: Desk) -> None:
    ana, bia = await desk.hire(), await desk.hire(name="Bia")
    lead = await desk.hire(PersonRole.SUPERVISOR, "Chefe")
    case = await desk.open(ana)
    path = f"/cases/{case['id']}"
    token = (await desk.post(ana, f"{path}/assign"))["token"]
    handed = {"token": token, "owner": str(bia.id), "reason": "férias"}
    await desk.post(ana, f"{path}/transfer", handed, expect=403)
    await desk.post(lead, f"{path}/transfer", {**handed, "reason": " "}, expect=422)
    unknown = await desk.post(lead, f"{path}/transfer", {**handed, "owner": case["id"]}, expect=422)
    assert unknown["code"] == "no_such_agent"
    moved = await desk.post(lead, f"{path}/transfer", handed)
    assert moved["owner"]["name"] == "Bia"
    longer = await desk.post(
        lead, f"{path}/extend", {"token": moved["token"], "hours": 5, "reason": "viagem"}
    )
    assert longer["token"] == moved["token"] + 1
    assert await desk.ids(lead, owner=str(bia.id)) == await desk.ids(bia, owner="me") == [case["id"]]


async def test_a_client_has_one_open_case_at_an_entity(desk: Desk) -> None:
    ana, lead = await desk.hire(), await desk.hire(PersonRole.SUPERVISOR)
    first = await desk.open(ana)
    again = {"client_id": first["client_id"], "entity": "prefeitura"}
    assert (await desk.post(ana, "/cases", again, expect=409))["code"] == "open_case_exists"
    await desk.post(ana, "/cases", {**again, "entity": "inss"}, expect=201)
    await desk.post(lead, f"/cases/{first['id']}/transition", {"token": 0, "to": "cancelado"})
    await desk.post(ana, "/cases", again, expect=201)
    back = {"token": 0, "to": "disponivel"}
    refused = await desk.post(lead, f"/cases/{first['id']}/transition", back, expect=409)
    assert refused["code"] == "open_case_exists"


async def test_the_list_has_filters_and_pages(desk: Desk) -> None:
    ana = await desk.hire()
    made = [await desk.open(ana, entity=f"orgao-{number}", priority="high") for number in range(3)]
    assert await desk.ids(ana, entity="orgao-1", priority="high", status="disponivel") == [made[1]["id"]]
    assert await desk.ids(ana, client_id=made[2]["client_id"], owner="none") == [made[2]["id"]]
    page = await desk.get(ana, "/cases", limit=2)
    rest = await desk.get(ana, "/cases", limit=2, cursor=page["next_cursor"])
    listed = [item["id"] for item in (*page["items"], *rest["items"])]
    assert listed == [case["id"] for case in reversed(made)]
    assert (await desk.post(ana, "/cases/claim-next", {"entity": "nenhum"}, expect=404))["code"] == (
        "no_case_waiting"
    )
