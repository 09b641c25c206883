"""People whose numbers are neighbours, and the two messages of each, as channels really tell of them."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any, NamedTuple

from stdnum.br import cpf

from core.matching.phone import AREA_CODES

Form = dict[str, Any]

# In every area: landlines, the mobile that an added 9 would make of one, and mobiles that have both forms.
LINES = ("30031234", "30031235", "930031234", "980031234", "980031235", "970031234", "960031234")
TOLL_FREE = ("800", "300", "500", "900", "303")


class Person(NamedTuple):
    """`second` names nothing but what `first` has told when they are `ordered`: it must not come before."""

    first: Form
    second: Form
    ordered: bool


def people(count: int) -> list[Person]:
    """So many people, neighbours first."""
    return [_person(number, line) for number, line in enumerate(islice(_lines(), count))]


def _lines() -> Iterator[str]:
    yield from (f"{area}{line}" for area, line in product(sorted(AREA_CODES), LINES))
    yield from (f"{prefix}{3003123 + line}" for prefix, line in product(TOLL_FREE, range(7)))


def _person(number: int, line: str) -> Person:
    """One of seven pairs of forms; every kind of line gets every pair."""
    e164, other = f"55{line}", f"55{_other_spelling(line)}"
    mail, taxpayer = f"pessoa.{number}@example.com", _cpf(number)
    dotted = cpf.format(taxpayer)
    first, second = (
        (_whatsapp(e164), _whatsapp(f"{other}@s.whatsapp.net")),
        (_whatsapp(other, phone=f"+{e164}"), _sent("phone", _at_home(line))),
        (_sent("phone", f"+{other}"), _sent("email", mail, phone=_at_home(line))),
        (_whatsapp(e164, email=mail), _sent("email", mail.upper())),
        (_whatsapp(e164, cpf=dotted), _sent("web", f"u{number}", cpf=taxpayer)),
        (_sent("web", f"u{number}", cpf=taxpayer, phone=f"+{other}"), _whatsapp(e164, cpf=dotted)),
        (_whatsapp(f"BR.u{number}", phone=f"+{other}"), _whatsapp(f"BR.u{number}")),
    )[(number + number // len(LINES)) % 7]
    return Person(
        {**first, "external_id": f"m{number}-1"},
        {**second, "external_id": f"m{number}-2"},
        ordered=second["sender_id"].startswith("BR."),
    )


def _sent(source: str, sender: str, **identifiers: str) -> Form:
    known = [{"kind": kind, "value": value} for kind, value in identifiers.items()]
    return {"source": source, "sender_id": sender, "identifiers": known, "content": f"Olá de {sender}"}


def _whatsapp(sender: str, **identifiers: str) -> Form:
    return _sent("whatsapp", sender, **identifiers)


def _other_spelling(line: str) -> str:
    """Without its ninth digit, where the line has both forms."""
    has_both = len(line) == 11 and line[3] in "6789"
    return line[:2] + line[3:] if has_both else line


def _at_home(line: str) -> str:
    if line.startswith(TOLL_FREE):
        return f"0{line[:3]} {line[3:]}"
    return f"({line[:2]}) {line[2:-4]}-{line[-4:]}"


def _cpf(number: int) -> str:
    digits = f"{100_000_000 + 7919 * number}"
    return digits + str(cpf._calc_check_digits(digits))
