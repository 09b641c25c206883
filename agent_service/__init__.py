"""Door 3: people. Retrieval, chat with citations, and what an organisation operates."""
