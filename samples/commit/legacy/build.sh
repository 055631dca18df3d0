#!/bin/bash
set -e

NAME=units

docker build -t example/$NAME:tools -f Dockerfile.build .

docker run --name $NAME-convert example/$NAME:tools sh convert.sh
docker commit $NAME-convert example/$NAME:converted
docker rm $NAME-convert

docker create --name $NAME-extract example/$NAME:converted
docker cp $NAME-extract:/data/units.sed units.sed
docker rm $NAME-extract

docker build -t example/$NAME .
rm units.sed
