"""Tasks are claimed here and done in worker processes, which alone touch files of strangers."""
