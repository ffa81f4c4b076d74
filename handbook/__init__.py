"""The site made of docs/: reference pages from the code, pictures from the renderer."""
