"""What channels deliver to us: proven to be theirs, stored whole, then read as messages."""
