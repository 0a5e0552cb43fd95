# syntax=docker/dockerfile:1
# The image holds the program and the certificates of the public authorities. Mount a project at
# /project (tieout.yaml, jobs/, data/), writable where it says that state and artifacts go:
#   docker run --rm -v "$PWD:/project" -e KARD_CLIENT_ID -e KARD_CLIENT_SECRET -e KARD_WEBHOOK_KEY \
#     tieout run rewards-daily --period 2025-03-19

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# The pinned toolchain is the image's own: rust-toolchain.toml would fetch it again.
COPY build.rs Cargo.toml Cargo.lock ./
COPY src src
COPY samples/generate samples/generate
COPY tests tests
# Reports name the commit they were made with: --build-arg TIEOUT_COMMIT="$(git rev-parse HEAD)"
ARG TIEOUT_COMMIT=unknown
RUN cargo build --release --locked --bin tieout

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/tieout /usr/local/bin/tieout
COPY LICENSE /usr/share/doc/tieout/LICENSE
WORKDIR /project
ENTRYPOINT ["/usr/local/bin/tieout"]
CMD ["--help"]
