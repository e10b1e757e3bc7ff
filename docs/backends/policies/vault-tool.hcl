# For the process that runs tools: reads, and changes nothing.
path "secret/data/mcp/*" {
  capabilities = ["read"]
}
path "secret/metadata/mcp/*" {
  capabilities = ["read"]
}
path "secret/subkeys/mcp/*" {
  capabilities = ["read"]
}
