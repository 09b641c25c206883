"""The states of a case and who may take it from one to another: here, and as rows in the database."""

from enum import StrEnum
from types import MappingProxyType


class CaseStatus(StrEnum):
    """Where a case stands in the pipeline. The four of CLOSED end it; leads may open three of them again."""

    DISPONIVEL = "disponivel"
    EM_ATENDIMENTO = "em_atendimento"
    CALCULISTA_PENDENTE = "calculista_pendente"
    CALCULO_APROVADO = "calculo_aprovado"
    CALCULO_REJEITADO = "calculo_rejeitado"
    FECHAMENTO_PENDENTE = "fechamento_pendente"
    CONTRATO_EFETIVADO = "contrato_efetivado"
    ENCERRADO = "encerrado"
    SEM_CONTATO = "sem_contato"
    CANCELADO = "cancelado"


class CaseActor(StrEnum):
    """As what a case is changed: a role of people, an API key, or the product itself when time is up."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    SERVICE = "service"
    SYSTEM = "system"


Transition = tuple[CaseStatus, CaseStatus]

S = CaseStatus
CLOSED = frozenset({S.CONTRATO_EFETIVADO, S.ENCERRADO, S.SEM_CONTATO, S.CANCELADO})
"""A client has at most one case per entity in any other state."""

HELD = frozenset({S.EM_ATENDIMENTO, S.CALCULO_APROVADO, S.FECHAMENTO_PENDENTE})
"""Where somebody may have a case; whoever leaves these states has it no more."""

CLAIMS = MappingProxyType(
    {
        S.DISPONIVEL: S.EM_ATENDIMENTO,
        S.CALCULO_REJEITADO: S.EM_ATENDIMENTO,
        S.CALCULO_APROVADO: S.CALCULO_APROVADO,
        S.FECHAMENTO_PENDENTE: S.FECHAMENTO_PENDENTE,
    }
)
"""What a case becomes when somebody takes it, by what it was while it was nobody's."""

_LEADS = frozenset({CaseActor.SUPERVISOR, CaseActor.ADMIN})
_OFFICE = _LEADS | {CaseActor.SERVICE}
_STAFF = _OFFICE | {CaseActor.AGENT}

TRANSITIONS: MappingProxyType[Transition, frozenset[CaseActor]] = MappingProxyType(
    {
        (S.DISPONIVEL, S.EM_ATENDIMENTO): _STAFF,
        (S.DISPONIVEL, S.ENCERRADO): _OFFICE,
        (S.DISPONIVEL, S.CANCELADO): _OFFICE,
        (S.EM_ATENDIMENTO, S.DISPONIVEL): _STAFF | {CaseActor.SYSTEM},
        (S.EM_ATENDIMENTO, S.CALCULISTA_PENDENTE): _STAFF,
        (S.EM_ATENDIMENTO, S.SEM_CONTATO): _STAFF,
        (S.EM_ATENDIMENTO, S.ENCERRADO): _STAFF,
        (S.EM_ATENDIMENTO, S.CANCELADO): _LEADS,
        (S.CALCULISTA_PENDENTE, S.CALCULO_APROVADO): _OFFICE,
        (S.CALCULISTA_PENDENTE, S.CALCULO_REJEITADO): _OFFICE,
        (S.CALCULISTA_PENDENTE, S.DISPONIVEL): _OFFICE,
        (S.CALCULISTA_PENDENTE, S.CANCELADO): _LEADS,
        (S.CALCULO_APROVADO, S.FECHAMENTO_PENDENTE): _STAFF,
        (S.CALCULO_APROVADO, S.CALCULISTA_PENDENTE): _STAFF,
        (S.CALCULO_APROVADO, S.SEM_CONTATO): _STAFF,
        (S.CALCULO_APROVADO, S.ENCERRADO): _STAFF,
        (S.CALCULO_APROVADO, S.CANCELADO): _LEADS,
        (S.CALCULO_REJEITADO, S.EM_ATENDIMENTO): _STAFF,
        (S.CALCULO_REJEITADO, S.DISPONIVEL): _OFFICE,
        (S.CALCULO_REJEITADO, S.ENCERRADO): _OFFICE,
        (S.CALCULO_REJEITADO, S.CANCELADO): _LEADS,
        (S.FECHAMENTO_PENDENTE, S.CONTRATO_EFETIVADO): _OFFICE,
        (S.FECHAMENTO_PENDENTE, S.CALCULO_APROVADO): _OFFICE,
        (S.FECHAMENTO_PENDENTE, S.SEM_CONTATO): _STAFF,
        (S.FECHAMENTO_PENDENTE, S.CANCELADO): _LEADS,
        (S.CONTRATO_EFETIVADO, S.ENCERRADO): _OFFICE,
        (S.SEM_CONTATO, S.DISPONIVEL): _LEADS,
        (S.ENCERRADO, S.DISPONIVEL): _LEADS,
        (S.CANCELADO, S.DISPONIVEL): _LEADS,
    }
)
"""(from, to) to who may do it. What is not here is done by nobody."""


def ways_out(status: CaseStatus, actor: CaseActor) -> list[CaseStatus]:
    """Where this actor may take a case that stands there, in the order of the states."""
    return [to for to in CaseStatus if actor in TRANSITIONS.get((status, to), ())]
