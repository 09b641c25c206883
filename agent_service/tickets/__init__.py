"""What clients ask of us, who sees to it, and by when."""
