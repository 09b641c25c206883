"""Everything the assistant says of its own accord, in one place. Short, for a telephone; no markup."""

from core.assistant.abstention import NOT_FOUND

CONSENT_QUESTION = "Você concorda? Responda SIM ou NÃO."
REMINDER = (
    "Para eu poder ajudar, preciso da sua resposta ao aviso de privacidade acima. Responda SIM para aceitar"
    " ou NÃO para recusar."
)
GRANTED = "Obrigado! Seu consentimento foi registrado. Para retirá-lo a qualquer momento, escreva REVOGAR."
INVITATION = "Como posso ajudar?"
REFUSED = (
    "Tudo bem, sua recusa foi registrada e não vou tratar o que você escrever aqui. Se mudar de ideia,"
    " responda SIM."
)
REVOKED = (
    "Seu consentimento foi revogado e o atendimento automático parou agora. Se mudar de ideia, escreva"
    " de novo e responda SIM ao aviso."
)
NOTHING_TO_REVOKE = "Não há consentimento seu registrado: nada do que você escreve aqui está sendo tratado."
GREETING = "Olá! Sou o assistente virtual. Pode escrever a sua dúvida, ou pedir um atendente."
THANKS = "Por nada! Se precisar de mais alguma coisa, é só escrever."
LISTENING = "Certo! Se precisar de mais alguma coisa, é só escrever."
DECLINED = "Tudo bem. Se precisar de mais alguma coisa, é só escrever."
OFFER = "Quer que eu abra um chamado para a equipe responder? Responda SIM."
SOURCES = "Fontes:"
TROUBLE = (
    "Desculpe, não consegui tratar a sua última mensagem. Ela está guardada e uma pessoa da equipe vai vê-la."
)


def notice(body: str) -> str:
    """The privacy notice, word for word, and the question."""
    return body if "SIM" in body else f"{body}\n\n{CONSENT_QUESTION}"


def not_found() -> str:
    """An honest answer, and what can be done."""
    return f"{NOT_FOUND} {OFFER}"


def ticket_opened(number: str) -> str:
    """The client's request has a number."""
    return f"Abri o chamado {number} com o que você escreveu. Uma pessoa da equipe vai responder por aqui."


def ticket_commented(number: str) -> str:
    """What was written joined a ticket."""
    return f"Acrescentei a sua mensagem ao chamado {number}, que já está com a equipe."
