"""Celery's settings, read when the application is first used. What is not here has Celery's default."""

from core.settings import get_settings

_settings = get_settings()

# Without Redis nobody rings and no beat reaches us: workers poll, rescue and stage on their own.
broker_url = _settings.redis_url.get_secret_value() if _settings.redis_url else "memory://"
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = {
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

task_default_queue = "cogep"
task_ignore_result = True
task_time_limit = 300

worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = _settings.queue_grace_seconds
worker_hijack_root_logger = False

timezone = "UTC"
beat_scheduler = "celery.beat:Scheduler"  # in memory: no file in whatever folder it was started from
beat_schedule = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in {
        "upkeep.rescue": 30.0,
        "upkeep.stage": 30.0,
        "upkeep.sweep_orphans": 600.0,
        "upkeep.expire_attempts": 3600.0,
        "upkeep.expire_blobs": 3600.0,
        "upkeep.expire_keys": 60.0,
        "upkeep.expire_events": 3600.0,
        "upkeep.close_tickets": 300.0,
        "upkeep.mark_tickets": 60.0,
        "upkeep.maintain_cases": 30.0,
        "upkeep.calibrate": 60.0,
    }.items()
}
