"""Which handler does which kind of job, who reacts to which event, and what is done beside them.

Where features meet the queue and the outbox.
"""

from core.models import EventType, JobKind
from worker_service.conversations.consumer import owe_a_turn
from worker_service.conversations.crew import keep_conversing
from worker_service.conversations.delivery import keep_delivering
from worker_service.documents.pipeline import ingest
from worker_service.drain.context import Handler, Round
from worker_service.imports.pipeline import run_import
from worker_service.messages.relink import keep_linking
from worker_service.outbox.relay import Consumers, relaying
from worker_service.upkeep.sealing import keep_sealing
from worker_service.webhooks.deliver import deliver_webhooks

HANDLERS: dict[str, Handler] = {**dict.fromkeys(JobKind, ingest), JobKind.IMPORT: run_import}
CONSUMERS: Consumers = {EventType.MESSAGE_LINKED: (owe_a_turn,)}
ROUNDS: tuple[Round, ...] = (
    keep_linking,
    relaying(CONSUMERS),
    keep_sealing,
    deliver_webhooks,
    keep_conversing,
    keep_delivering,
)
