"""The engine with LivePortrait's published networks; needs the extra `neural`."""
