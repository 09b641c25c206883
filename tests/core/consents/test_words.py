import pytest

from core.consents import reads_as_no, reads_as_withdrawal, reads_as_yes

YES = """
sim|s|S|ss|Sim.|SIM!|SIM!!!|sim, concordo|Sim concordo|siiiim|simmm|sin|aceito|ACEITO
Aceito!|aceito os termos|ok|Ok|OK.|okay|okk|👍|👍🏽|👌|✅|sim 👍|sim 😊|claro|claro que sim
é claro que sim|com certeza|pode|pode sim|pode ser|concordo|comcordo|concrodo
concordo com o tratamento dos meus dados|de acordo|estou de acordo|autorizo|autoriso
autorizo o uso dos meus dados pessoais|sim, por favor|sim, obrigada|oi, sim|bom dia, sim
sim sim|eu aceito|aceito que usem meus dados|dou meu consentimento|dou o meu consentimento
consinto|permito|confirmo|"sim"|*sim*|sim, quero|podem usar meus dados|s, aceito|sím|SÍM
positivo|aceito sim|sim, pode usar os meus dados
"""
NO = """
não|nao|NÃO|NAO!|n|N|ñ|naum|não.|nããão|naaao|não aceito|nao aceito|não concordo|não autorizo
nao quero|não quero|não, obrigado|nao obrigada|não não|não quero não|discordo|recuso
negativo|👎|❌|claro que não|de jeito nenhum|nunca|não permito|não pode
não podem usar meus dados|não autorizo o uso dos meus dados|não dou meu consentimento
nem pensar|não quero que usem meus dados|prefiro não|não concordo com os termos|nao consinto
não, por favor|oi, não|nn
"""
WITHDRAWAL = """
revogar|Revogar|REVOGAR|"revogar"|revogar.|revogo|revoga|quero revogar
quero revogar meu consentimento|revogar consentimento|desejo revogar a minha autorização
gostaria de revogar|revogra|revogar, por favor|revogação|sair|SAIR|quero sair|parar|pare
stop|parar de usar meus dados|parem de usar os meus dados|pare de usar meus dados
quero parar|descadastrar|deixem de usar meus dados|retirar meu consentimento
quero cancelar o consentimento|retiro minha autorização|cancelar minha autorização
não autorizo mais|não concordo mais|não usem mais meus dados|nao aceito mais
não quero mais que usem meus dados|não autorizo mais o uso dos meus dados
revogar o consentimento lgpd
"""
NEITHER = """
sim, mas quanto custa?|sim, mas quanto custa|não sei|nao sei|não recebi o boleto
nao recebi o boleto|sim?|não?|ok?||   |...|?|!|oi|olá, bom dia|obrigado|quero
quero atendimento|quanto custa|não entendi|não é meu|nao eh meu numero|agora não|depois
talvez|acho que sim|acho que não|sim e não|sim ou não|sim/não|sim não|não sim|s/n|pois não
não tem problema|sem problema|por que não|não funciona|não consigo acessar
meu boleto veio errado, preciso de ajuda|simples|simulação|simular empréstimo|quero simular
sou eu sim quem pediu|sim recebi o boleto|não pago|ok mas não agora|okupado|1|2|sim 1
como revogar?|como faço para revogar|não quero revogar|não quero sair|sair do plano
quero sair do consignado|cancelar|quero cancelar minha conta|cancelar boleto|parar de pagar
parar desconto|não quero mais|não quero mais o empréstimo|revogar a procuração|stop loss
não parar|e|🤔|sim 🤔|👍👎|não 👍|em|aceita cartão|aceitam pix|pode me ajudar|pode parar de ligar
renovar|quero renovar|não autorizado|senha|concordo em parte|aceito com ressalvas
sim senhor não|aceito que
"""


def table(cells: str) -> list[str]:
    return [cell for line in cells.strip("\n").split("\n") for cell in line.split("|")]


def reading(text: str) -> set[str]:
    kinds = {"yes": reads_as_yes, "no": reads_as_no, "withdrawal": reads_as_withdrawal}
    return {name for name, reads in kinds.items() if reads(text)}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(YES, {"yes"}), (NO, {"no"}), (WITHDRAWAL, {"withdrawal"}), (NEITHER, set())],
    ids=["yes", "no", "withdrawal", "neither"],
)
def test_what_people_write(cells: str, expected: set[str]) -> None:
    assert [text for text in table(cells) if reading(text) != expected] == []


def test_a_reply_by_mail_is_read_without_what_it_quotes() -> None:
    quoted = "\n\nEm 20/11/2026, Atendimento escreveu:\n> Você concorda? Responda SIM ou NÃO."
    assert reading("Sim, concordo." + quoted) == {"yes"}
    assert reading("Não." + quoted) == {"no"}
    assert reading(quoted) == set()


def test_nothing_is_read_into_long_or_hostile_texts() -> None:
    for text in (
        "sim " * 100,
        "\ud800",
        "\x00",
        "sim\x00",
        "ﷺ" * 200,
        "s" * 10_000,
        "sim; DROP TABLE",
        "<b>sim</b>",
    ):
        assert reading(text) == set()
