"""Made-up iNETConsig returns: pages, form feeds, totals and the legend as the real ones have them."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from ops.samples.people import Someone, someone

PAGE_ROWS = 60
BLOCK_ROWS = 500
HEADINGS = (
    "STATUS MATRICULA NOME                           CARGO                          FIN. ORGAO LANC.  "
    "TOTAL PAGO  VALOR        ORGAO PAGTO CPF"
)
LEGEND = (
    "Legenda do Status",
    "1 - Lançado e Efetivado",
    "2 - Não Lançado por Falta de Margem",
    "3 - Não Lançado por Outros Motivos",
    "4 - Lançado com Valor Diferente",
    "5 - Não Lançado por Problemas Técnicos",
    "6 - Lançamento com Erros",
    "S - Não Lançado: Compra de Dívida ou Suspensão",
)


class Posting(NamedTuple):
    """What a row of the file says."""

    person: Someone
    number: str = "012345-6"
    status: str = "1"
    position: str = "PROFESSOR 40H"
    rubric: str = "5201"
    posting: str = "     021"
    total: int = 88
    paid: int = 24
    amount: str = "1.234,56"
    organ: str = "001"


def row(posting: Posting) -> str:
    """The 145 columns."""
    return (
        f"  {posting.status}    {posting.number:8}  {posting.person.name[:30]:30} {posting.position:30} "
        f"{posting.rubric:4} {posting.posting:13}{posting.total:03}   {posting.paid:03}"
        f"{posting.amount:>15}      {posting.organ}    {posting.person.cpf}"
    )


def header(*, month: str = "06/2026", entity: str = "2007-ENTIDADE DE EXEMPLO") -> str:
    """The line that begins a page."""
    return f"Entidade: {entity}  Referência: {month}  Data da Geração: 30/06/2026"


def organ_total(count: int, *, organ: str = "001") -> str:
    """The line that ends a block."""
    return f"Órgão Pagamento: {organ}-SECRETARIA DE EXEMPLO - {count} Lançamento(s)"


def status_total(count: int) -> str:
    """The line that ends a status."""
    return f"Total do Status: {count} Lançamento(s)"


def sample(rows: int, *, seed: int = 1) -> bytes:
    """A whole file in ISO-8859-1, the same one from the same seed."""
    return "\r\n".join(_lines(rows, Random(seed))).encode("latin-1")  # noqa: S311 - it makes examples


def _lines(rows: int, random: Random) -> Iterator[str]:
    for place in range(rows):
        if place % PAGE_ROWS == 0:
            yield ("\f" if place else "") + header()
            yield HEADINGS
        yield row(_posting(random, f"{place:06}-{place % 10}"))
        in_block = place % BLOCK_ROWS + 1
        if in_block == BLOCK_ROWS or place == rows - 1:
            yield organ_total(in_block)
    yield status_total(rows)
    yield from LEGEND


def _posting(random: Random, number: str) -> Posting:
    total = random.choice((12, 36, 60, 88, 96))
    cents = random.randrange(1_000, 250_000)
    amount = f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))
    return Posting(
        person=someone(random), number=number, total=total, paid=random.randrange(total), amount=amount
    )
