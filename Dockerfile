# One image for every role: `tidings` runs everything in one process, `tidings message` one role.
#
# Downloaded crates and compiled dependencies stay in BuildKit's cache between builds, so a change of our own sources
# compiles our own crates only.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p tidings \
    && cp target/release/tidings /usr/local/bin/tidings

FROM debian:bookworm-slim
# The number is fixed because deploy/make-secrets.sh gives files to it.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tidings \
    && install --directory --owner=tidings --group=tidings --mode=0700 /data /files
COPY --from=build /usr/local/bin/tidings /usr/local/bin/tidings
ENV TIDINGS_DATA=/data
USER tidings
ENTRYPOINT ["tidings"]
