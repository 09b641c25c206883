"""How the files are laid out: pure parsers that read a row or say why not, and never leave one out."""
