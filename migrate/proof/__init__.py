"""Both versions of a build as expressions of the images they make: equal expressions, equal images. Nothing is started."""
