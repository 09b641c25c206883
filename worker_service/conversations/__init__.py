"""The assistant on a channel: consent first, then an answer or a ticket, said once and in order."""
