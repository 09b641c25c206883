"""Documents on their way into the queue."""
