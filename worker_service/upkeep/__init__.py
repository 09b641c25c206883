"""Housekeeping on a schedule. Each chore takes an advisory lock, so two beats do no harm."""
