"""What happened here, whether it was told, and telling it after all."""
