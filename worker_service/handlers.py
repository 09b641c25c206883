"""Which handler does which kind of job. The one place where features meet the queue."""

from core.models import JobKind
from worker_service.documents.pipeline import ingest
from worker_service.drain.context import Handler

HANDLERS: dict[str, Handler] = dict.fromkeys(JobKind, ingest)
