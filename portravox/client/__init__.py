"""Talks to a server, ours or the original, over HTTP alone; knows nothing of the service inside."""
