"""Many repositories, static: what each holds of the builder pattern, and whether it migrates. Nothing is started or written."""
