"""Pictures: nets as boxes and arrows, windows on their cells, receptive fields on their input."""
