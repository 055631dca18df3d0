"""What a driver file runs: shell text with its place in the file."""
