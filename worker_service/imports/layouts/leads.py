"""Lead spreadsheets, CSV or XLSX: nobody maps their columns; headings are known by many spellings. Pure."""

from collections.abc import Sequence
from functools import partial

from core.imports import Column
from worker_service.imports.layouts import delimited, workbook
from worker_service.imports.layouts.encoding import decode
from worker_service.imports.layouts.rows import FileRefused, Reading
from worker_service.imports.layouts.tables import Table, plain, read_table

HEADINGS: dict[Column, frozenset[str]] = {
    Column.CPF: frozenset({"cpf", "cpf_cliente", "cpf_servidor", "cpf_do_servidor", "nr_cpf", "num_cpf"}),
    Column.NAME: frozenset({"nome", "nome_cliente", "nome_servidor", "nome_do_servidor", "nome_completo"}),
    Column.ENROLLMENT: frozenset({"matricula", "matricula_servidor", "nr_matricula", "num_matricula"}),
    Column.ENTITY: frozenset({"convenio", "entidade"}),
    Column.POSITION: frozenset({"cargo", "funcao"}),
    Column.PAYING_ORGAN: frozenset({"secretaria", "lotacao", "orgao", "orgao_pagador"}),
}
_ZIP = b"PK\x03\x04"


def open_leads(data: bytes, *, entity: str | None) -> Reading:
    """The file, whatever of the two it is. Raises FileRefused."""
    make = partial(_table, entity=entity)
    if data.startswith(_ZIP):
        return read_table(lambda: workbook.records(data, ","), make, entity=entity)
    text = decode(data)
    delimiter = delimited.delimiter_of(text)
    return read_table(lambda: delimited.records(text, delimiter), make, entity=entity)


def _table(headings: Sequence[str], *, entity: str | None) -> Table:
    names = [plain(heading) for heading in headings]
    places: dict[Column, int] = {}
    for column, spellings in HEADINGS.items():
        found = [place for place, name in enumerate(names) if name in spellings]
        if len(found) > 1 and column is not Column.PAYING_ORGAN:
            raise FileRefused("headings_ambiguous", f"Two columns of the file are the {column.value}.")
        if found:
            places[column] = found[0]
    if Column.CPF not in places:
        raise FileRefused("cpf_column_missing", "No column of the file is headed CPF.")
    return Table(places, _width(names), ",", entity, is_spreadsheet=True)


def _width(names: Sequence[str]) -> int:
    """Up to the last heading: spreadsheets leave empty columns behind."""
    return max(place for place, name in enumerate(names, 1) if name)
