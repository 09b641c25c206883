"""The documents behind the answers: list, read, search, delete."""
