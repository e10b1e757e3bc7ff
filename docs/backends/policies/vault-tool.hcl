# For the process that runs tools: reads values, and changes none.
path "secret/data/mcp/*" {
  capabilities = ["read"]
}
# The patch sets labels, such as the mark of a value that its service rejected. It cannot change versions or settings.
path "secret/metadata/mcp/*" {
  capabilities = ["read", "patch"]
  allowed_parameters = {
    custom_metadata = []
  }
}
path "secret/subkeys/mcp/*" {
  capabilities = ["read"]
}
