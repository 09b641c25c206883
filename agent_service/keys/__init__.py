"""Administer API keys: make, list, revoke."""
