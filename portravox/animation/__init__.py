"""Curves and the caller's direction -> control track: lips, blinks, gaze, brows, head."""
