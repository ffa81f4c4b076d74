"""Tasks: their states, the queue they wait in, and the table that is the only truth about them."""
