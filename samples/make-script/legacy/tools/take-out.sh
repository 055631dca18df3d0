#!/bin/bash
# Takes the program out of the builder's image, for who wants it.
set -e
id=$(docker create "$NAME:build")
docker cp "$id:/src/$1" "$1"
docker rm "$id"
