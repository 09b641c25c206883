"""What is done about messages behind the door."""
