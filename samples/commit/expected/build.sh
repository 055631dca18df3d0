#!/bin/bash
set -e

NAME=units

docker build -t example/$NAME .
