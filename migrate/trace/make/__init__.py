"""What make does with a Makefile: variables, rules, and which recipes run in which order (GNU make manual)."""
