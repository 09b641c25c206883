"""A CSV whose columns somebody mapped. Pure."""

from collections.abc import Sequence
from functools import partial

from core.imports import Mapping
from worker_service.imports.layouts.delimited import records
from worker_service.imports.layouts.encoding import decode
from worker_service.imports.layouts.rows import FileRefused, Reading
from worker_service.imports.layouts.tables import Table, plain, read_table


def open_mapped(data: bytes, mapping: Mapping, *, entity: str | None) -> Reading:
    """The file. Raises FileRefused, also when a mapped column is not there."""
    text = decode(data)
    make = partial(_table, mapping=mapping, entity=entity)
    return read_table(lambda: records(text, mapping.delimiter), make, entity=entity, rows=mapping.rows)


def _table(headings: Sequence[str], *, mapping: Mapping, entity: str | None) -> Table:
    names = [plain(heading) for heading in headings]
    wanted = {column: plain(heading) for column, heading in mapping.columns.items()}
    for column, name in wanted.items():
        if names.count(name) != 1:
            raise FileRefused(
                "mapping_mismatch", f"The heading mapped to `{column.value}` is not in the file exactly once."
            )
    places = {column: names.index(name) for column, name in wanted.items()}
    return Table(places, len(names), mapping.decimal_mark, entity, is_spreadsheet=False)
