import asyncio

import pytest

from tests.worker_service.conversations.counter import Counter
from worker_service.conversations import texts

QUESTION = "Qual o horário de atendimento da secretaria?"
GRANTS = "SELECT count(*) FROM crm.consents WHERE action = 'GRANT'"
HOLDS = "SELECT action::text FROM crm.consents ORDER BY seq DESC LIMIT 1"


async def test_a_new_client_is_shown_the_notice_word_for_word(counter: Counter) -> None:
    said = await counter.tell(QUESTION)
    assert said == await counter.value("SELECT body FROM crm.notices")
    assert await counter.value("SELECT count(*) FROM crm.notice_deliveries") == 1
    assert await counter.outcomes() == ["notice"]


async def test_sim_registers_the_consent_and_answers_what_had_waited(counter: Counter) -> None:
    await counter.tell(QUESTION)
    said = await counter.tell("Sim")
    assert said.startswith(texts.GRANTED)
    assert "das 8h às 18h" in said
    assert said.endswith("Fontes:\n[1] Secretaria")
    assert await counter.value(GRANTS) == 1
    assert await counter.value("SELECT event_id FROM crm.consents") is not None


async def test_sim_counts_only_after_the_notice(counter: Counter) -> None:
    said = await counter.tell("sim")
    assert said == await counter.value("SELECT body FROM crm.notices")
    assert await counter.value(GRANTS) == 0


async def test_a_sim_written_before_the_notice_came_is_no_consent(counter: Counter) -> None:
    await counter.write("oi")
    await counter.write("sim")
    await counter.work()
    assert await counter.outcomes() == ["notice", "remind"]
    assert await counter.value(GRANTS) == 0


async def test_what_is_no_decision_is_answered_with_a_short_reminder(counter: Counter) -> None:
    await counter.tell("oi")
    assert await counter.tell("sim, mas quanto custa?") == texts.REMINDER
    await counter.execute("ALTER TABLE crm.notice_deliveries DISABLE TRIGGER USER")
    await counter.execute("UPDATE crm.notice_deliveries SET shown_at = now() - interval '1 hour'")
    assert await counter.tell("e agora?") == await counter.value("SELECT body FROM crm.notices")


async def test_no_is_written_down_and_nothing_is_read(counter: Counter) -> None:
    await counter.tell(QUESTION)
    assert await counter.tell("não") == texts.REFUSED
    assert await counter.value(HOLDS) == "REVOKE"
    assert await counter.tell("quero falar com um atendente") == texts.REMINDER
    assert await counter.value("SELECT count(*) FROM crm.turns WHERE intent IS NOT NULL") == 0
    assert await counter.tell("aceito") != texts.REMINDER
    assert await counter.value(HOLDS) == "GRANT"


async def test_revocation_works_at_once_and_stops_the_next_answer(known: Counter) -> None:
    assert "das 8h às 18h" in await known.tell(QUESTION)
    assert await known.tell("revogar") == texts.REVOKED
    assert await known.value(HOLDS) == "REVOKE"
    assert "18h" not in await known.tell(QUESTION)
    assert await known.tell("revogar") == texts.NOTHING_TO_REVOKE


async def test_two_simultaneous_sim_are_one_grant(counter: Counter) -> None:
    await counter.tell("oi")
    await asyncio.gather(counter.write("sim"), counter.write("Sim!"))
    await counter.work()
    assert await counter.value(GRANTS) == 1
    assert await counter.outcomes() == ["notice", "grant", "listen"]


async def test_sim_on_two_channels_at_once_is_one_grant(counter: Counter) -> None:
    await counter.open("outro")
    await counter.tell("oi")
    await counter.tell("oi", account="outro")
    await asyncio.gather(counter.write("sim"), counter.write("sim", account="outro"))
    await counter.work()
    assert await counter.value(GRANTS) == 1
    assert sorted((await counter.outcomes())[-2:]) in (["grant", "listen"], ["grant", "grant"])


async def test_what_the_documents_do_not_tell_is_offered_to_people(known: Counter) -> None:
    assert await known.tell("Quem descobriu o Brasil?") == texts.not_found()
    said = await known.tell("sim")
    number = await known.value("SELECT number FROM crm.tickets")
    assert said == texts.ticket_opened(number)
    asked = await known.value("SELECT event_id FROM crm.tickets")
    assert asked == await known.value("SELECT event_id FROM crm.turns WHERE outcome = 'not_found'")


async def test_a_request_for_help_becomes_a_ticket_with_a_number(known: Counter) -> None:
    said = await known.tell("meu boleto veio errado, preciso de ajuda")
    assert said == texts.ticket_opened(await known.value("SELECT number FROM crm.tickets"))
    assert (await known.outcomes())[-1] == "ticket"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bom dia", texts.GREETING),
        ("obrigada!", texts.THANKS),
        ("ok", texts.LISTENING),
        ("não", texts.DECLINED),
    ],
)
async def test_small_talk_gets_a_kind_word(known: Counter, text: str, said: str) -> None:
    assert await known.tell(text) == said


@pytest.mark.parametrize(
    "silencer",
    [
        "UPDATE crm.channels SET assistant_on = false",
        "UPDATE crm.channels SET is_active = false",
        "UPDATE crm.conversations SET mode = 'human'",
        "DELETE FROM crm.channels",
    ],
)
async def test_the_assistant_keeps_silent_where_it_is_off(known: Counter, silencer: str) -> None:
    await known.execute(silencer)
    assert await known.tell(QUESTION) == ""
    assert (await known.outcomes())[-1] == "silent"
    assert (await known.thread())[-1] == ("client", QUESTION)


async def test_machines_are_not_answered(known: Counter) -> None:
    assert await known.tell(QUESTION, metadata={"auto": True}) == ""


async def test_what_one_of_us_wrote_on_the_telephone_hands_the_conversation_over(known: Counter) -> None:
    assert await known.tell("Oi, é a Ana", metadata={"auto": True, "direction": "out"}) == ""
    assert await known.value("SELECT mode::text FROM crm.conversations") == "human"
    assert await known.tell(QUESTION) == ""


async def test_who_is_answered_without_end_is_a_machine(known: Counter) -> None:
    said = [await known.tell("oi") for _ in range(20)]
    assert said[0] == texts.GREETING
    assert said[-1] == ""


async def test_more_about_a_young_ticket_joins_it(known: Counter) -> None:
    await known.tell("meu boleto veio errado, preciso de ajuda")
    said = await known.tell("o valor do boleto está errado de novo, me ajuda")
    assert said == texts.ticket_commented(await known.value("SELECT number FROM crm.tickets"))
    assert await known.value("SELECT count(*) FROM crm.ticket_comments") == 1
    await known.tell("abre outro chamado, meu cartão foi clonado")
    assert await known.value("SELECT count(*) FROM crm.tickets") == 2


async def test_a_request_after_a_day_is_a_ticket_of_its_own(known: Counter) -> None:
    await known.tell("meu boleto veio errado, preciso de ajuda")
    await known.execute("UPDATE crm.tickets SET opened_at = opened_at - interval '25 hours'")
    await known.tell("não consigo acessar o aplicativo")
    assert await known.value("SELECT count(*) FROM crm.tickets") == 2
