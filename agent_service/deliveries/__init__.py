"""What was told to whom, how each attempt went, and telling it again."""
