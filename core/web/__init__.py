"""The only part of core that knows HTTP: the application factory and what every route shares."""
