"""The clock of the pipeline, for cron."""
