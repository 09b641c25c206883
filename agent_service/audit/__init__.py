"""The audit log for those who check it: read it, verify it, take its signed head away."""
