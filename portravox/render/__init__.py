"""Mesh -> frames: raster, mouth interior, eyes, compositing over the photograph."""
