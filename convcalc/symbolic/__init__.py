"""Nets with variables left open: the ops' own rules over dims of other domains than the integers."""
