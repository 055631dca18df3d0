"""Phase 4: provenance → what the migrated files will be: stages, copies, and the driver's one build."""
