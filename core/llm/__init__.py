"""Language models behind one protocol, with a fallback chain that never ends in silence."""
