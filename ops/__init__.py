"""How the product is started and operated: CLI, embedded servers, supervisor."""
