"""Pictures: nets as boxes and arrows, windows on their cells."""
