#!/usr/bin/env bash
# What every live test may count on: seed.sh DIR
# 100 nodes and 1,000 pods, the ML platform, the corpus of statuses, the drift history.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/seed.py" cluster "$1" --nodes 100 --pods 1000
"$here/seed.py" platform "$1"
"$here/../corpus/statuses.py" apply "$1"
"$here/seed.py" drift "$1"
