"""What a build script does, as typed events over files, containers and images."""
