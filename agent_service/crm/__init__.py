"""Who the clients are, and the decisions about them that only a human makes."""
