"""Conversations with clients, for the people who look on, take over and answer."""
