"""How the tables in PostgreSQL came to be as they are: an alembic environment of tasks.migrate.

A step is a file in versions/ that names the one before it and is never edited once released. A new
one is written by hand, and its number goes into `migrate.POSTGRES_HEAD`. During a rolling upgrade
servers of the version before go on beside the new ones: a step may only add what they need not
know. One that cannot do so says in `schema_readers` which version is the oldest that may go on.
"""
