"""Many machines around one PostgreSQL: what the engine does, and what else they share."""
