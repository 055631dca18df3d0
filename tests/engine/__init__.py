"""A throw-away container engine, base images for it, and the set-up of a fresh machine. Standard library only."""
