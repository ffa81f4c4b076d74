"""Notices that a task has ended: signed, tried again for hours, sent only where they may go."""
