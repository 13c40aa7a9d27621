#!/usr/bin/env bash
# Columns and cells of every kind, exactly as kubectl prints them.
. "$(dirname "$0")/lib.sh"

count=$("$live_tests/../corpus/compare.sh" "$BINNACLE" "$LIVE" >"$scratch/out"; grep -c '^\(not \)\?ok ' "$scratch/out")
awk '/^ok /{sub(/^ok/, "ok " ++n)} /^not ok /{sub(/^not ok/, "not ok " ++n)} /^compare:/{next} {print}' "$scratch/out"
tap_number=$count tap_failed=$(grep -c '^not ok ' "$scratch/out")
finish
