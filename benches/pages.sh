#!/bin/sh
# Pages over a run of 1,000,000 breaks: time to the first byte, size, memory.
#
#   benches/pages.sh            as tests are built: dependencies are not optimised, so this is an upper bound
#   benches/pages.sh --release  as it is shipped
set -eu
cd "$(dirname "$0")/.."
cargo test "$@" --test main -- --ignored --nocapture pages_over_a_million_breaks
