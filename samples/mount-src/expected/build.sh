#!/bin/sh -e
IMAGE=example/timetable

docker build -t $IMAGE .
