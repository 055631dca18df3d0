#!/bin/sh
cat /usr/share/almanac/*
