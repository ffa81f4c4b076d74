"""Files that clients sent and videos made for them: where they lie, and the links to them."""
