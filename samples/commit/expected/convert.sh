#!/bin/sh
# Turns the table of rates into a script of sed
set -e
awk -F, '{ print "s/" $1 "/" $3 " " $2 "/" }' rates.csv > units.sed
chmod 640 units.sed
chown 1000:1000 units.sed
