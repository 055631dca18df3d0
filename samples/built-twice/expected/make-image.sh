#!/bin/bash
set -e

docker build --build-arg CATALOGUE_LOCALE=en --build-arg HOUSE_DE_LOCALE=de -t example/house .
