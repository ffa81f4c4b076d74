"""Features -> articulation curves: what lips, jaw and tongue do, a hundred times a second."""
