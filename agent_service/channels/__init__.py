"""Our accounts on the channels, as an operator arranges them."""
