"""The ways from (portrait, voice) to frames, behind base.py."""
