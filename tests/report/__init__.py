"""How outcomes are shown."""
