#!/bin/sh
docker build -t example/dice .
