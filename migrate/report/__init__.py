"""An outcome as text: one renderer a file."""
