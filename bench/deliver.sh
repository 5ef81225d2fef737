#!/bin/bash
# What direct delivery costs: collect of one large file into a bucket, beside curl -T of the same file to the same server, alternating, over
# TLS as to any store.
# usage: bench/deliver.sh [ROUNDS [MEBIBYTES]]     after `make build`; the server is the one of the tests, in .cache/tools
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5} size=${2:-512}
server=$(ls "${BELLWETHER_TOOLS:-.cache/tools}"/versitygw-v* | grep -v lock)
work=$(mktemp -d)
trap 'kill "$pid" 2> /dev/null || :; rm -rf "$work"' EXIT
mkdir -p "$work/data/bench" "$work/meta" "$work/root/l"
export ROOT_ACCESS_KEY=bench ROOT_SECRET_KEY=not-a-secret AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=not-a-secret AWS_REGION=us-east-1
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2> /dev/null
export SSL_CERT_FILE=$work/cert.pem CURL_CA_BUNDLE=$work/cert.pem
"$server" --cert "$work/cert.pem" --key "$work/key.pem" --port 127.0.0.1:17070 --region us-east-1 --health /health --quiet posix --sidecar "$work/meta" "$work/data" > /dev/null 2>&1 &
pid=$!
until curl -sf https://127.0.0.1:17070/health > /dev/null; do sleep 0.1; done
head -c "${size}M" /dev/urandom > "$work/root/l/large"
cat > "$work/p.yaml" <<'P'
schema: 1
name: bench
description: One large file
steps:
  - {name: l, collector: file, path: [/l/*]}
P
now() { date +%s%N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for i in $(seq "$rounds"); do
	url=$(./bellwether presign "s3://bench/curl/$i" --one --s3-endpoint https://127.0.0.1:17070 2> /dev/null)
	t=$(now); curl -sf -H 'If-None-Match: *' -T "$work/root/l/large" "$url"; echo $((($(now) - t) / 1000000)) >> "$work/curl"
	t=$(now)
	./bellwether collect --root "$work/root" --profile "$work/p.yaml" --to s3://bench/case --s3-endpoint https://127.0.0.1:17070 --cpu 100% --quiet > /dev/null
	echo $((($(now) - t) / 1000000)) >> "$work/collect"
	rm -rf "$work"/data/bench/*
done
awk -v a="$(median < "$work/curl")" -v b="$(median < "$work/collect")" -v s="$size" \
	'BEGIN { printf "%d MiB to a local S3 server: curl -T %d ms, collect %d ms, speed ratio %.2f (goal: at least 0.90)\n", s, a, b, a / b }'
