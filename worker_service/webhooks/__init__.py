"""Events told to addresses outside: at least once, each by its own schedule, in no promised order."""
