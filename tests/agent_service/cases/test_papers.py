from typing import Any

from core.access import PersonRole
from tests.agent_service.cases.desk import Desk
from tests.core.cases.office import Office
from tests.people import Someone

PDF = b"%PDF-1.7 holerite de Maria"


async def upload(desk: Desk, who: Someone, case: str, data: bytes, name: str = "holerite.pdf") -> Any:
    path = f"/cases/{case}/attachments"
    return await desk.client.post(path, files={"file": (name, data)}, headers=who.headers)


async def test_what_is_said_is_sealed_and_read_by_whoever_sees_the_case(desk: Desk, office: Office) -> None:
    ana, bia = await desk.hire(), await desk.hire(name="Bia")
    case = await desk.open(ana)
    path = f"/cases/{case['id']}/comments"
    await desk.post(ana, path, {"body": "primeiro"}, expect=201)
    said = await desk.post(bia, path, {"body": "segundo"}, expect=201)
    assert (said["body"], said["author"]["name"]) == ("segundo", "Bia")
    assert [item["body"] for item in (await desk.get(ana, path))["items"]] == ["segundo", "primeiro"]
    (first, _) = await office.fetch("SELECT body_sealed FROM crm.case_comments ORDER BY id")
    assert b"primeiro" not in first["body_sealed"]
    await desk.post(ana, f"/cases/{case['id']}/assign")
    await desk.get(bia, path, expect=404)
    await desk.post(bia, path, {"body": "tarde"}, expect=404)


async def test_a_file_comes_back_as_it_was_and_lies_sealed(desk: Desk, office: Office) -> None:
    ana, bia = await desk.hire(), await desk.hire(name="Bia")
    case = await desk.open(ana)
    await desk.post(ana, f"/cases/{case['id']}/assign")
    answer = await upload(desk, ana, case["id"], PDF, "../pasta/holerite.pdf")
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["name"], kept["media_type"], kept["size"]) == ("holerite.pdf", "application/pdf", len(PDF))
    assert (await desk.get(ana, f"/cases/{case['id']}/attachments"))["items"] == [kept]
    path = f"/cases/attachments/{kept['id']}"
    content = await desk.client.get(path, headers=ana.headers)
    assert content.content == PDF
    assert content.headers["content-disposition"] == "attachment"
    await desk.get(bia, path, expect=404)
    (row,) = await office.fetch("SELECT content_sealed, name_sealed FROM crm.case_attachments")
    assert b"Maria" not in row["content_sealed"]
    assert b"holerite" not in row["name_sealed"]
    reads = await office.fetch("SELECT what FROM ops.personal_data_reads")
    assert [row["what"] for row in reads] == ["case_attachment"]


async def test_files_are_bounded(desk: Desk, office: Office) -> None:
    lead = await desk.hire(PersonRole.SUPERVISOR)
    case = await desk.open(lead)
    assert (await upload(desk, lead, case["id"], b"")).json()["code"] == "empty_attachment"
    large = await upload(desk, lead, case["id"], b"x" * 10_000_001)
    assert (large.status_code, large.json()["code"]) == (413, "attachment_too_large")
    await office.fetch(
        "INSERT INTO crm.case_attachments (public_id, case_id, name_sealed, media_type, size, content_sealed,"
        " author_id) SELECT gen_random_uuid(), id, '', '', 1, '', 1 FROM crm.cases, generate_series(1, 50)"
    )
    full = await upload(desk, lead, case["id"], b"<script>", "a.html")
    assert (full.status_code, full.json()["code"]) == (409, "too_many_attachments")
