"""Door 2: slow work, retried safely, supervised by Celery."""
