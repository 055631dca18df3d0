"""One repository through the phases, in order."""
