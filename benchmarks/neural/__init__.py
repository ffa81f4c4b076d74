"""The neural engine against recorded numbers of the public implementations, and its speed."""
