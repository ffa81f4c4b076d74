"""The HTTP side: tasks, files and keys around the pipeline, which knows nothing of it."""
