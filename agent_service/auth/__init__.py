"""How people log in, stay in and leave."""
