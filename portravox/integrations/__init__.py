"""Our live portraits as the face of agents that others' frameworks run."""
