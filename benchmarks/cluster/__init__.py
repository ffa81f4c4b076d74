"""Many machines around one PostgreSQL: what they bear, and what happens when things break."""
