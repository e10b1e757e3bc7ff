# For the process that hosts the form: saves and revokes, and never reads a value.
path "secret/data/mcp/*" {
  capabilities = ["create", "update"]
}
path "secret/metadata/mcp/*" {
  capabilities = ["read", "patch"]
}
# Only the probe records of "mcp-credential-vault doctor" may be purged.
path "secret/metadata/mcp/doctor/*" {
  capabilities = ["read", "patch", "delete"]
}
path "secret/destroy/mcp/*" {
  capabilities = ["update"]
}
path "secret/subkeys/mcp/*" {
  capabilities = ["read"]
}
