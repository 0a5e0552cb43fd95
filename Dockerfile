# syntax=docker/dockerfile:1
# The image holds the program and the certificates of the public authorities; time zones are in the program itself. Mount
# a project at /project (tieout.yaml, jobs/, data/), writable where it says that state and artifacts go:
#   docker run --rm -v "$PWD:/project" -e KARD_CLIENT_ID -e KARD_CLIENT_SECRET -e KARD_WEBHOOK_KEY \
#     tieout run rewards-daily --period 2025-03-19
# Or all of it, in one process that tells how it is on port 9464:
#   docker run -v "$PWD:/project" … tieout serve --ops-bind 0.0.0.0:9464
# The root file system may be read-only (--read-only --tmpfs /tmp); deploy/kubernetes runs it so.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# Dependencies first, over a program that does nothing: this layer stays while Cargo.toml and Cargo.lock do.
# The pinned toolchain is the image's own: rust-toolchain.toml would fetch it again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests samples/generate \
    && for stub in build.rs src/lib.rs src/main.rs tests/main.rs samples/generate/main.rs; do \
         echo 'fn main() {}' > "$stub"; \
       done \
    && cargo build --release --locked --bin tieout

COPY build.rs ./
COPY src src
# Cargo.toml names these two; neither is built.
COPY samples/generate samples/generate
COPY tests/main.rs tests/main.rs
# Reports name the commit they were made with: --build-arg TIEOUT_COMMIT="$(git rev-parse HEAD)"
ARG TIEOUT_COMMIT=unknown
# Cargo tells what changed by time stamps, and those of copied files may lie before the stub's.
RUN touch build.rs src/lib.rs src/main.rs && cargo build --release --locked --bin tieout

FROM gcr.io/distroless/cc-debian12:nonroot
ARG TIEOUT_COMMIT=unknown
LABEL org.opencontainers.image.title="tieout" \
      org.opencontainers.image.description="Ties what a card or rewards provider says to what the issuer booked" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${TIEOUT_COMMIT}"
COPY --from=build /build/target/release/tieout /usr/local/bin/tieout
COPY LICENSE /usr/share/doc/tieout/LICENSE
WORKDIR /project
# Runs and servers end at their next pause.
STOPSIGNAL SIGTERM
# For `serve`, where it has an ops port; a container of one run has ended before it matters.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/tieout", "health"]
ENTRYPOINT ["/usr/local/bin/tieout"]
CMD ["--help"]
