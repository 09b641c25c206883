"""An answer to a question, from passages, with exact citations or an honest abstention."""
