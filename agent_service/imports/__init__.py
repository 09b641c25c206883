"""Files of rows about people: handed in, looked at, committed, taken back."""
