"""What `docker-compose` does with its files: services, and the docker commands that a call comes to (Compose specification)."""
