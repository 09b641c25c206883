"""Administer the people: who they are, what they may do, whether they may come in."""
