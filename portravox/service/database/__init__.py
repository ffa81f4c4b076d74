"""The PostgreSQL that many machines share: how this process reaches it, and nothing about tasks."""
