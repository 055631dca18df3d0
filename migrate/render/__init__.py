"""Phase 5: plan → the text of the migrated files. Only what the plan changes is written anew."""
