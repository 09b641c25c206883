"""A batch taken back."""
