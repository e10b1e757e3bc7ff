# For a user's own login (userAuth): reads that one user's credentials. ACCESSOR is the JWT method's, from `vault auth list`; ISSUER is the
# issuer as it stands in the path. The name that the method takes from the token has to be the subject as it stands in the path.
path "secret/data/mcp/+/ISSUER/{{identity.entity.aliases.ACCESSOR.name}}" {
  capabilities = ["read"]
}
# The patch sets labels, such as the mark of a value that its service rejected.
path "secret/metadata/mcp/+/ISSUER/{{identity.entity.aliases.ACCESSOR.name}}" {
  capabilities = ["read", "patch"]
  allowed_parameters = {
    custom_metadata = []
  }
}
