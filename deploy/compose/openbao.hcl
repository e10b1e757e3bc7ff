# One node with TLS. For several, see OpenBao's documentation on raft.
storage "raft" {
  path    = "/data"
  node_id = "openbao"
}
listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "0.0.0.0:8201"
  tls_cert_file   = "/run/secrets/openbao/cert.pem"
  tls_key_file    = "/run/secrets/openbao/key.pem"
}
api_addr     = "https://openbao:8200"
cluster_addr = "https://openbao:8201"
# mcp-credential-vault audit reconcile compares it with the server's own log.
audit "file" "main" {
  options {
    file_path = "/data/audit.log"
  }
}
