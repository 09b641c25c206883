import asyncio
from random import Random

import pytest

from ops.samples import inetconsig as made
from ops.samples import leads
from ops.samples.people import someone
from tests.worker_service.imports.bureau import Bureau

PERSON = someone(Random(5))
COUNTS = ("total", "created", "updated", "unchanged", "rejected")


def file_of(*rows: str) -> bytes:
    return "\r\n".join([made.header(), *rows, made.organ_total(len(rows))]).encode("latin-1")


def counts(batch: dict[str, object]) -> tuple[int, ...]:
    rows = batch["rows"]
    assert isinstance(rows, dict)
    return tuple(rows[name] for name in COUNTS)


async def test_a_payroll_becomes_clients_enrollments_and_lines(bureau: Bureau) -> None:
    batch = await bureau.imported(made.sample(1_500))
    assert batch["status"] == "COMMITTED"
    assert counts(batch) == (1_500, 1_500, 0, 0, 0)
    assert batch["control_totals"] == {"rows": 1500, "blocks": 3, "statuses": 1}
    assert batch["entity"] == "2007"
    people = await bureau.count("clients")
    assert await bureau.count("identities") == people <= 1_500
    assert await bureau.count("payroll_lines") == 1_500
    told = await bureau.all("SELECT 1 FROM ops.outbox_events WHERE type = 'client.created'")
    assert len(told) == people
    assert await bureau.count("import_files") == 0


async def test_the_same_file_twice_changes_nothing(bureau: Bureau) -> None:
    first = await bureau.imported(made.sample(50))
    before = await bureau.state()
    again = await bureau.hand_in(made.sample(50))
    assert (again.json()["id"], again.json()["duplicate"]) == (first["id"], True)
    other_bytes = await bureau.imported(made.sample(50) + b"\r\n")
    assert counts(other_bytes) == (50, 0, 0, 50, 0)
    assert await bureau.state() == before


async def test_ten_copies_at_once_are_one_import(bureau: Bureau) -> None:
    answers = await asyncio.gather(*(bureau.hand_in(made.sample(20)) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1


async def test_a_bad_row_harms_only_itself(bureau: Bureau) -> None:
    good, bad = made.Posting(PERSON), made.Posting(PERSON, amount="nada")
    batch = await bureau.imported(file_of(made.row(good), made.row(bad), made.row(good)))
    assert counts(batch) == (3, 2, 0, 0, 1)
    (rejected,) = await bureau.rows(batch["id"], outcome="rejected")
    assert (rejected["line"], rejected["code"]) == (3, "bad_amount")
    assert rejected["message"]
    assert rejected["client_id"] is None
    created = await bureau.rows(batch["id"], outcome="created")
    assert len({row["client_id"] for row in created}) == 1
    assert len({row["payroll_line_id"] for row in created}) == 2


async def test_a_later_payroll_updates_what_differs(bureau: Bureau) -> None:
    await bureau.imported(file_of(made.row(made.Posting(PERSON, paid=24))))
    batch = await bureau.imported(file_of(made.row(made.Posting(PERSON, paid=25))))
    assert counts(batch) == (1, 0, 1, 0, 0)
    assert await bureau.all("SELECT paid, total, amount::text, version FROM crm.payroll_lines") == [
        (25, 88, "1234.56", 2)
    ]


async def test_a_dry_run_changes_nothing_and_its_commit_does(bureau: Bureau) -> None:
    before = await bureau.state()
    bad = made.row(made.Posting(PERSON, amount="nada"))
    content = file_of(made.row(made.Posting(PERSON)), bad)
    checked = await bureau.imported(content, dry_run="true")
    assert checked["status"] == "CHECKED"
    assert counts(checked) == (2, 1, 0, 0, 1)
    assert await bureau.state() == before
    committed = await bureau.do(checked["id"], "commit")
    assert committed["status"] == "COMMITTED"
    assert counts(committed) == (2, 1, 0, 0, 1)
    assert await bureau.count("payroll_lines") == 1
    again = await bureau.client.post(f"/imports/{checked['id']}/commit")
    assert (again.status_code, again.json()["code"]) == (409, "import_not_ready")


async def test_a_revert_restores_exactly(bureau: Bureau) -> None:
    await bureau.imported(made.sample(40, seed=2))
    await bureau.imported(file_of(made.row(made.Posting(PERSON, paid=24))))
    before = await bureau.state()
    rows = [
        made.row(made.Posting(PERSON, paid=30, position="DIRETORA")),
        made.row(made.Posting(PERSON, paid=1)),
    ]
    others = [made.row(made.Posting(someone(Random(seed)), number=f"{seed:06}-1")) for seed in range(30)]
    batch = await bureau.imported(file_of(*rows, *others))
    assert counts(batch) == (32, 31, 1, 0, 0)
    reverted = await bureau.do(batch["id"], "revert")
    assert (reverted["status"], reverted["rows"]["kept"]) == ("REVERTED", 0)
    assert await bureau.state() == before


async def test_a_revert_leaves_what_was_changed_since_and_says_so(bureau: Bureau) -> None:
    first = await bureau.imported(file_of(made.row(made.Posting(PERSON, paid=24))))
    await bureau.imported(file_of(made.row(made.Posting(PERSON, paid=25))))
    reverted = await bureau.do(first["id"], "revert")
    assert reverted["rows"]["kept"] == 1
    (kept,) = await bureau.rows(first["id"], kept="true")
    assert kept["kept_code"] == "changed_since"
    assert await bureau.all("SELECT paid FROM crm.payroll_lines") == [(25,)]


async def test_a_client_somebody_wrote_to_stays_with_their_cpf(bureau: Bureau) -> None:
    batch = await bureau.imported(made.sample(8))
    (client, *_) = [row["client_id"] for row in await bureau.rows(batch["id"])]
    body = {"client_id": client, "subject": "Boleto", "description": "Veio errado."}
    assert (await bureau.client.post("/crm/tickets", json=body)).status_code == 201
    reverted = await bureau.do(batch["id"], "revert")
    assert (reverted["status"], reverted["rows"]["kept"]) == ("REVERTED", 1)
    (kept,) = await bureau.rows(batch["id"], kept="true")
    assert (kept["kept_code"], kept["client_id"]) == ("in_use", client)
    assert await bureau.count("clients") == await bureau.count("identities") == 1
    assert await bureau.count("payroll_lines") == 0


async def test_what_was_taken_back_may_come_in_again(bureau: Bureau) -> None:
    batch = await bureau.imported(made.sample(10))
    await bureau.do(batch["id"], "revert")
    again = await bureau.imported(made.sample(10))
    assert again["id"] != batch["id"]
    assert counts(again) == (10, 10, 0, 0, 0)


async def test_a_file_that_does_not_add_up_is_refused_whole(bureau: Bureau) -> None:
    content = "\r\n".join([made.header(), made.row(made.Posting(PERSON)), made.organ_total(2)]).encode(
        "latin-1"
    )
    batch = await bureau.imported(content)
    assert batch["status"] == "REFUSED"
    assert batch["error"]["code"] == "control_total_differs"
    assert "2" in batch["error"]["detail"]
    assert await bureau.count("clients") == await bureau.count("import_files") == 0


async def test_a_payroll_of_another_entity_is_refused(bureau: Bureau) -> None:
    batch = await bureau.imported(made.sample(5), entity="9999")
    assert batch["error"]["code"] == "entity_differs"


async def test_the_cpf_and_the_row_lie_sealed(bureau: Bureau) -> None:
    await bureau.imported(file_of(made.row(made.Posting(PERSON))))
    dump = [
        str(row)
        for table in ("clients", "identities", "import_rows", "import_changes", "enrollments")
        for row in await bureau.all(f"SELECT to_jsonb(t)::text FROM crm.{table} t")
    ]
    assert dump
    assert not [row for row in dump if PERSON.cpf in row or PERSON.cpf.encode().hex() in row]


async def test_somebody_known_through_another_door_is_the_same_client(bureau: Bureau) -> None:
    asked = {"name": "Quem já é cliente", "identifiers": [{"kind": "cpf", "value": PERSON.cpf}]}
    client = (await bureau.client.post("/crm/clients", json=asked)).json()
    batch = await bureau.imported(file_of(made.row(made.Posting(PERSON))))
    (row,) = await bureau.rows(batch["id"])
    assert row["client_id"] == client["id"]
    assert await bureau.all("SELECT name FROM crm.clients") == [("Quem já é cliente",)]


@pytest.mark.parametrize("content", [leads.sample_csv(60), leads.sample_xlsx(60)], ids=["csv", "xlsx"])
async def test_leads(bureau: Bureau, content: bytes) -> None:
    batch = await bureau.imported(content, "leads")
    assert counts(batch) == (60, 60, 0, 0, 0)
    assert await bureau.count("enrollments") == 60
    assert await bureau.count("payroll_lines") == 0


async def test_a_mapped_csv(bureau: Bureau) -> None:
    mapping = '{"columns": {"cpf": "Documento", "name": "Quem"}, "delimiter": ","}'
    content = f"Quem,Documento\nAna,{PERSON.cpf}\nAna,{PERSON.cpf}\nBia,123\n".encode()
    batch = await bureau.imported(content, "csv", mapping=mapping)
    assert counts(batch) == (3, 1, 0, 1, 1)


@pytest.mark.parametrize(
    ("fields", "content", "code"),
    [
        ({"layout": "inetconsig"}, b"", "empty_import"),
        ({"layout": "csv"}, b"a", "mapping_invalid"),
        ({"layout": "csv", "mapping": "{"}, b"a", "mapping_invalid"),
        ({"layout": "csv", "mapping": '{"columns": {"name": "A"}}'}, b"a", "mapping_invalid"),
        ({"layout": "leads", "mapping": "{}"}, b"a", "mapping_invalid"),
        ({"layout": "other"}, b"a", "validation_failed"),
    ],
)
async def test_what_is_no_import_is_refused_at_the_door(
    bureau: Bureau, fields: dict[str, str], content: bytes, code: str
) -> None:
    answer = await bureau.hand_in(content, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_progress_can_be_followed(bureau: Bureau) -> None:
    batch = (await bureau.hand_in(made.sample(300))).json()["id"]
    async with bureau.client.stream("GET", f"/imports/{batch}/events") as stream:
        events = [line async for line in stream.aiter_lines() if line.startswith("event:")]
    assert events[-1] == "event: done"


async def test_imports_are_listed_newest_first(bureau: Bureau) -> None:
    made_ids = [(await bureau.imported(made.sample(2, seed=seed)))["id"] for seed in (1, 2, 3)]
    page = await bureau.get("/imports", limit="2")
    assert [item["id"] for item in page["items"]] == made_ids[:0:-1]
    rest = await bureau.get("/imports", limit="2", cursor=page["next_cursor"])
    assert [item["id"] for item in rest["items"]] == made_ids[:1]
    assert (await bureau.get("/imports", status="REFUSED"))["items"] == []


async def test_pages_of_rows(bureau: Bureau) -> None:
    batch = await bureau.imported(made.sample(25))
    page = await bureau.get(f"/imports/{batch['id']}/rows", limit="20")
    rest = await bureau.get(f"/imports/{batch['id']}/rows", limit="20", cursor=page["next_cursor"])
    assert [row["position"] for row in page["items"] + rest["items"]] == list(range(1, 26))
