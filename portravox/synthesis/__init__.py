"""A text into a recording, by a program or a server that somebody else made."""
