"""Which handler does which kind of job. The one place where features meet the queue."""

from worker_service.drain.context import Handler

HANDLERS: dict[str, Handler] = {}
