"""The arithmetic of a layer written out as in a lecture: formula, numbers, result."""
