"""The photograph made ready before anything moves: its frame, and what stands behind the person."""
