#!/bin/sh
# Makes the keys, passwords and certificates in secrets/ and the folders in data/. It replaces nothing that exists. Run it as root, so that
# each container's user, and no other, can read its own.
set -eu
cd "$(dirname "$0")"
umask 077
: "${MCP_SERVER_BASE_URL:?Set it, as in .env: set -a; . ./.env; set +a}"
host=$(printf %s "$MCP_SERVER_BASE_URL" | sed -E 's#^https://([^:/]+).*#\1#')

mkdir -p tools data/server-1 data/server-2 data/redis data/openbao secrets/ca secrets/server secrets/redis secrets/openbao secrets/nginx
chmod 711 data secrets

if [ ! -e secrets/ca/key.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=mcp internal" \
    -keyout secrets/ca/key.pem -out secrets/ca/cert.pem 2>/dev/null
fi

# certificate FOLDER NAME…
certificate() {
  folder=secrets/$1
  shift
  cp secrets/ca/cert.pem "$folder/ca.pem"
  [ ! -e "$folder/key.pem" ] || return 0
  names=$(printf ',DNS:%s' "$@")
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$folder/key.pem" -out "$folder/request.pem" 2>/dev/null
  printf 'subjectAltName=%s,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' "${names#,}" > "$folder/extensions"
  openssl x509 -req -in "$folder/request.pem" -CA secrets/ca/cert.pem -CAkey secrets/ca/key.pem -CAcreateserial -days 825 \
    -extfile "$folder/extensions" -out "$folder/cert.pem" 2>/dev/null
  rm "$folder/request.pem" "$folder/extensions"
}
certificate openbao openbao localhost
certificate redis redis localhost
# For users, put the certificate of a public authority in its place.
certificate nginx "$host"
cp secrets/ca/cert.pem secrets/server/ca.pem

for key in web audit; do
  [ ! -e "secrets/server/$key.key" ] || continue
  ${MCP_COMMAND:-docker compose run --rm --no-deps --no-TTY server-1} keygen > "secrets/server/$key.new"
  mv "secrets/server/$key.new" "secrets/server/$key.key"
done

if [ ! -e secrets/server/redis-password ]; then
  openssl rand -hex 32 | tr -d '\n' > secrets/server/redis-password
fi
digest=$(openssl dgst -sha256 -r secrets/server/redis-password | cut -d ' ' -f 1)
# The rights that docs/redis.md lists.
rights=$(sed -n '/^+hello/,/^```/p' ../../docs/redis.md | grep '^+' | tr '\n' ' ')
: "${rights:?docs/redis.md of the clone lists no rights}"
cat > secrets/redis/users.acl <<ACL
user default off
user mcp on #$digest resetkeys resetchannels ~mcp-vault:* &mcp-vault:* -@all $rights
ACL

if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 secrets/server data/server-1 data/server-2
  chown -R 10002:10002 secrets/redis data/redis
  chown -R 10003:10003 secrets/openbao data/openbao
  chown -R 10004:10004 secrets/nginx
else
  echo 'Not root: the containers cannot read secrets/. Run it again with sudo.' >&2
fi
