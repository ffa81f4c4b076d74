"""How the table of tasks came to be as it is: an alembic environment, run by tasks.migrate.

A step is a file in versions/ that names the one before it and is never edited once released. A new
one is written by hand, and its number goes into `migrate.HEAD`.
"""
