"""Saying that a video is made by a machine: in its metadata, in its picture."""
