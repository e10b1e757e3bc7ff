#!/bin/sh
# Gives an unsealed OpenBao the engine, the policies and the two logins of the servers, and writes their secret ids. BAO_TOKEN is an
# administrator's token. It may be run again: it then makes new secret ids.
set -eu
cd "$(dirname "$0")"
umask 077
export BAO_TOKEN
policies=../../docs/backends/policies
bao() { ${BAO_COMMAND:-docker compose exec --no-TTY --env BAO_TOKEN openbao bao} "$@"; }

bao secrets list -format=json | grep -q '"secret/"' || bao secrets enable -path=secret -version=2 kv
bao auth list -format=json | grep -q '"approle/"' || bao auth enable approle
for tier in form tool; do
  bao policy write "mcp-$tier" - < "$policies/vault-$tier.hcl"
  bao write "auth/approle/role/mcp-$tier" "token_policies=mcp-$tier" token_ttl=1h
  # A role id is a name, and compose.yaml has it.
  bao write "auth/approle/role/mcp-$tier/role-id" "role_id=mcp-$tier"
  bao write -f -field=secret_id "auth/approle/role/mcp-$tier/secret-id" > "secrets/server/$tier-secret-id.new"
  mv "secrets/server/$tier-secret-id.new" "secrets/server/$tier-secret-id"
done
bao write secret/config max_versions=3
[ "$(id -u)" != 0 ] || chown 10001:10001 secrets/server/form-secret-id secrets/server/tool-secret-id
