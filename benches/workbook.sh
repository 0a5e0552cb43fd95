#!/usr/bin/env bash
# The workbook of 1,000,000 breaks: how long it takes to write and to read back, and how much memory beyond the breaks
# themselves.
#
#   benches/workbook.sh [PROFILE]        default release; dev is some times slower
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${1:-release}
echo "machine: $(nproc) processors, $(free -g | awk '/Mem/ {print $2}') GiB; profile $profile"
cargo test --locked --profile "$profile" --test main workbook_peers::a_million_breaks -- --ignored --nocapture --test-threads 1
