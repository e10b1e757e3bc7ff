# For people at the command line: list, show, rotate, revoke and purge.
path "secret/data/mcp/*" {
  capabilities = ["create", "update", "read"]
}
path "secret/metadata/mcp/*" {
  capabilities = ["read", "patch", "delete", "list"]
}
path "secret/metadata/mcp" {
  capabilities = ["list"]
}
path "secret/destroy/mcp/*" {
  capabilities = ["update"]
}
path "secret/undelete/mcp/*" {
  capabilities = ["update"]
}
path "secret/subkeys/mcp/*" {
  capabilities = ["read"]
}
