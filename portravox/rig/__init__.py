"""Face -> mesh with shapes; controls -> where each vertex goes."""
