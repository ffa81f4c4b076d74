"""Files of trained networks, and the demo's portrait: which, where, and how they are fetched."""
