"""Shell text to one small tree, through two readers."""
