"""The kinds of identity, strongest first, and the one spelling each of them is compared by."""

from collections.abc import Callable
from enum import StrEnum

from core.matching import address, phone, taxpayer, whatsapp
from core.matching.unmatchable import Unmatchable


class IdentityKind(StrEnum):
    """What a person is known by. The order is the strength: who is meant when identities disagree."""

    WHATSAPP_USER = "whatsapp_user"
    CPF = "cpf"
    CNPJ = "cnpj"
    PHONE = "phone"
    EMAIL = "email"
    EXTERNAL = "external"

    @property
    def strength(self) -> int:
        """The smaller, the stronger."""
        return _STRENGTHS[self]

    @property
    def is_sensitive(self) -> bool:
        """Stored encrypted and matched by its HMAC. Another system's id may well be somebody's CPF."""
        return self in {IdentityKind.CPF, IdentityKind.CNPJ, IdentityKind.EXTERNAL}


_STRENGTHS = {kind: place for place, kind in enumerate(IdentityKind)}

_RULES: dict[IdentityKind, Callable[[str], str]] = {
    IdentityKind.WHATSAPP_USER: whatsapp.user_key,
    IdentityKind.CPF: taxpayer.cpf_key,
    IdentityKind.CNPJ: taxpayer.cnpj_key,
    IdentityKind.PHONE: phone.phone_key,
    IdentityKind.EMAIL: address.email_key,
    IdentityKind.EXTERNAL: str,
}


def canonical(kind: IdentityKind, value: str) -> str:
    """The spelling all forms of this identity share. Raises Unmatchable when it is no such thing."""
    return _RULES[kind](value)


__all__ = ["IdentityKind", "Unmatchable", "canonical"]
