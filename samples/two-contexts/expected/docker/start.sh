#!/bin/sh
shuf -n 1 /usr/share/motto/mottoes
