"""The command line: one file per command, errors mapped to exit statuses in main.py alone."""
