"""Notices that a task has ended: signed, tried again for hours, and never sent where none may go."""
