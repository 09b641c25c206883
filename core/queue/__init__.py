"""A leased row in Postgres: claim, renew, complete, fail, rescue, and the doorbell that wakes workers."""
