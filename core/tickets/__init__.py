"""Tickets, for every door that opens or changes one: the API, and the assistant on a channel."""

from core.tickets.opening import OpenedTicket, open_ticket

__all__ = ["OpenedTicket", "open_ticket"]
