"""What is said, as captions: when each word is spoken, which stand together, files for players."""
