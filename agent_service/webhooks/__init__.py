"""Who outside wants to be told of what happens here."""
