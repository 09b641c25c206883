"""Made-up lead spreadsheets, with the mistakes such files have."""

import io
from random import Random

from ops.samples.people import someone

HEADINGS = ("Nome_Cliente", "CPF", "Matricula", "Convenio", "Secretaria")


def sample_csv(rows: int, *, seed: int = 1, encoding: str = "cp1252") -> bytes:
    """Semicolons; the zeros some CPFs begin with are lost."""
    random = Random(seed)  # noqa: S311 - it makes examples
    lines = [";".join(HEADINGS)]
    for place in range(rows):
        person = someone(random)
        lines.append(f"{person.name};{int(person.cpf)};{place:06}-X;EXEMPLO;Educação")
    return "\r\n".join(lines).encode(encoding)


def sample_xlsx(rows: int, *, seed: int = 1) -> bytes:
    """CPFs are numbers."""
    from openpyxl import Workbook

    random = Random(seed)  # noqa: S311 - it makes examples
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Leads")
    sheet.append(HEADINGS)
    for place in range(rows):
        person = someone(random)
        sheet.append((person.name, float(person.cpf), f"{place:06}-X", "EXEMPLO", "Educação"))
    book.save(file := io.BytesIO())
    return file.getvalue()
