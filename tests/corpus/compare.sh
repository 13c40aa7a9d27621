#!/bin/sh
# Compare what binnacle and kubectl print: compare.sh BINNACLE DIR [KIND...]
#
# For each kind `kubectl get KIND -A -o wide`, printed by the API server, against the same of
# BINNACLE: column titles and every cell, ages by their duration. Exit status 0 when all is equal.
exec python3 "$(dirname "$0")/compare.py" "$@"
