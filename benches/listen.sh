#!/usr/bin/env bash
# The receiver under load: 20,000 notifications over 200 connections, one in eight a repeat, one in sixteen badly signed;
# once undisturbed and once with a kill -9 in the middle. Prints requests/s, and fails unless every one that was answered
# 200 stands in the log exactly once.
#
#   benches/listen.sh [PROFILE]     default release
#
# Clients and receiver share this machine, so the clients' work is in the times; every batch waits for the disk.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${1:-release}
cargo test --profile "$profile" --locked --test main receiver_load -- --ignored --nocapture --test-threads=1 |
  grep -E "requests/s|panicked|test result"
