#!/bin/sh
IMG=example/scores
docker build -t $IMG:latest .
