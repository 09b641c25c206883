"""From the sealed bytes of a batch to a file that was accepted as a whole."""

from core.imports import Mapping
from core.models import ImportLayout
from core.vault import Vault
from worker_service.imports.layouts.encoding import decode
from worker_service.imports.layouts.inetconsig_file import open_file
from worker_service.imports.layouts.leads import open_leads
from worker_service.imports.layouts.mapped import open_mapped
from worker_service.imports.layouts.rows import FileRefused, Reading
from worker_service.imports.queries import Batch


def open_batch(batch: Batch, vault: Vault) -> Reading:
    """The file of a batch. Raises FileRefused."""
    if batch.body_sealed is None:
        raise FileRefused("file_gone", "The bytes of the file are not kept any more; hand it in again.")
    data = vault.open(batch.body_sealed, context=f"import/{batch.public_id}")
    return open_layout(data, batch.layout, mapping=batch.mapping, entity=batch.entity)


def open_layout(data: bytes, layout: ImportLayout, *, mapping: Mapping | None, entity: str | None) -> Reading:
    """The file. Raises FileRefused."""
    match layout:
        case ImportLayout.LEADS:
            return open_leads(data, entity=entity)
        case ImportLayout.CSV:
            assert mapping is not None, "the door asks for one"
            return open_mapped(data, mapping, entity=entity)
        case ImportLayout.INETCONSIG:
            return _payroll(data, entity)


def _payroll(data: bytes, entity: str | None) -> Reading:
    reading = open_file(decode(data))
    if entity not in {None, reading.entity}:
        raise FileRefused("entity_differs", "The file is of another entity than was said.")
    return reading
