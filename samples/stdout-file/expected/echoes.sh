#!/bin/sh
# Says a word three times.
for n in 1 2 3; do
    # with a pause in the next version
    echo "$1"
done
