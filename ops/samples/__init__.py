"""Files of made-up people, for tests and demonstrations."""
