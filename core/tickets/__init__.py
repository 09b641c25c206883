"""Tickets, for every door that opens or changes one: the API, and the assistant on a channel."""

from core.tickets.changing import Held, hold, save
from core.tickets.conversation import TicketClosed, add_message, comment
from core.tickets.opening import OpenedTicket, open_ticket

__all__ = ["Held", "OpenedTicket", "TicketClosed", "add_message", "comment", "hold", "open_ticket", "save"]
