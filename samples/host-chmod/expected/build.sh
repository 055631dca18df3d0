#!/bin/bash
docker build -t example/greet:latest .
