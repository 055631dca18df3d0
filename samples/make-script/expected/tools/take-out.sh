#!/bin/bash
# Takes the program out of the builder's image, for who wants it.
set -e
