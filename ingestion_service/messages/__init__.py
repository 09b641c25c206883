"""Messages on their way in: stored first, then tied to whoever sent them."""
