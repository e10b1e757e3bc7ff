{{/* Values that would lose links, sessions, the store or the separation of the tiers, or that would have no effect. */}}
{{- define "vault.refuse" -}}
{{- include "vault.refuseBaseUrl" . -}}
{{- include "vault.refuseUnused" . -}}
{{- include "vault.refuseVariables" . -}}
{{- range $tier := include "vault.tiers" . | fromJsonArray -}}
{{- $environment := include "vault.environment" (list $ $tier) | fromJson -}}
{{- include "vault.refuseReplicas" (list $ $tier $environment) -}}
{{- include "vault.refuseRedis" $environment -}}
{{- include "vault.refuseMissing" (list $ $environment) -}}
{{- include "vault.refuseClosedPorts" (list $ $environment) -}}
{{- end -}}
{{- if eq .Values.tiers "split" }}{{ include "vault.refuseTiers" . }}{{ end -}}
{{- range $tier := include "vault.tiers" . | fromJsonArray -}}
{{- include "vault.refuseLogins" (list $ $tier (include "vault.environment" (list $ $tier) | fromJson)) -}}
{{- end -}}
{{- include "vault.refuseNetwork" . -}}
{{- end -}}

{{/* Blocks that nothing reads. */}}
{{- define "vault.refuseUnused" -}}
{{- $defaults := .Files.Get "tier-defaults.yaml" | fromYaml -}}
{{- $used := include "vault.tiers" . | fromJsonArray -}}
{{- range $tier := list "all" "form" "tool" -}}
{{- if and (not (has $tier $used)) (ne (index $.Values $tier | toJson) (toJson $defaults)) -}}
{{- fail (printf "%s: tiers is %s, so nothing reads this block. %s" $tier $.Values.tiers (ternary "Move its values to form and tool." "Set tiers to split, or move its values to all." (eq $tier "all"))) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled: there are no metrics to scrape. Set metrics.enabled to true too." -}}
{{- end -}}
{{- if and .Values.networkPolicy.metricsFrom (not .Values.metrics.enabled) -}}
{{- fail "networkPolicy.metricsFrom: there are no metrics to scrape. Set metrics.enabled to true, or remove it." -}}
{{- end -}}
{{- if and .Values.ingress.tlsSecret (not .Values.ingress.enabled) -}}
{{- fail "ingress.tlsSecret: there is no ingress that uses it. Set ingress.enabled to true, or remove it." -}}
{{- end -}}
{{- end -}}

{{/* Of [root, tier, its environment]. */}}
{{- define "vault.refuseReplicas" -}}
{{- $values := (index . 0).Values -}}{{- $environment := index . 2 -}}
{{- $redis := false -}}
{{- range $name, $_ := $environment }}{{ if hasPrefix "MCP_REDIS_" $name }}{{ $redis = true }}{{ end }}{{ end -}}
{{- if or (eq $values.tiers "split") (gt (int (index $values (index . 1)).replicas) 1) -}}
{{- if eq $values.backend "sealed-file" -}}
{{- fail "backend: the sealed file is for one process on one node. Use vault or aws-secrets-manager for several replicas or tiers." -}}
{{- end -}}
{{- if not $redis -}}
{{- fail "environment: several replicas or tiers share links and sessions in Redis. Set MCP_REDIS_URL, or the variables of a Sentinel or Cluster." -}}
{{- end -}}
{{- if not (hasKey $environment "MCP_WEB_KEY_FILE") -}}
{{- fail "secretFiles: several replicas or tiers open each other's cookies and links with one web key. Add MCP_WEB_KEY_FILE." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of an environment: variables of Redis with which the server does not start. */}}
{{- define "vault.refuseRedis" -}}
{{- $environment := . -}}
{{- $given := list -}}
{{- range $name, $_ := $environment }}{{ if hasPrefix "MCP_REDIS_" $name }}{{ $given = append $given $name }}{{ end }}{{ end -}}
{{- $store := get $environment "MCP_PENDING_STORE" -}}
{{- if and $given (eq $store "memory") -}}
{{- fail (printf "environment.MCP_PENDING_STORE: it is memory, and %s is set. Set it to redis, or remove the variables that begin with MCP_REDIS_." (first $given)) -}}
{{- end -}}
{{- if ne (hasKey $environment "MCP_REDIS_SENTINEL_NAME") (hasKey $environment "MCP_REDIS_SENTINEL_NODES") -}}
{{- fail "environment.MCP_REDIS_SENTINEL_NODES: it and MCP_REDIS_SENTINEL_NAME belong together. Set both, or none." -}}
{{- end -}}
{{- $servers := list -}}
{{- range $name := list "MCP_REDIS_URL" "MCP_REDIS_SENTINEL_NODES" "MCP_REDIS_CLUSTER_NODES" }}{{ if hasKey $environment $name }}{{ $servers = append $servers $name }}{{ end }}{{ end -}}
{{- if gt (len $servers) 1 -}}
{{- fail (printf "environment.%s: %s is set too, and only one may name the server. Remove one of them." (first $servers) (last $servers)) -}}
{{- end -}}
{{- if and (or $given (eq $store "redis")) (not $servers) -}}
{{- fail (printf "environment.MCP_REDIS_URL: %s is set, and nothing names the server. Set MCP_REDIS_URL, or the variables of a Sentinel or Cluster." (first (append $given "MCP_PENDING_STORE"))) -}}
{{- end -}}
{{- $url := get $environment "MCP_REDIS_URL" -}}
{{- $tls := eq (get $environment "MCP_REDIS_TLS") "true" -}}
{{- range $name := list "MCP_REDIS_CA_FILE" "MCP_REDIS_CERT_FILE" "MCP_REDIS_KEY_FILE" "MCP_REDIS_TLS_SERVER_NAME" }}{{ if hasKey $environment $name }}{{ $tls = true }}{{ end }}{{ end -}}
{{- if and $tls (hasPrefix "redis://" $url) -}}
{{- fail "environment.MCP_REDIS_URL: it begins with redis://, and other variables ask for TLS. Begin it with rediss://." -}}
{{- end -}}
{{- $isFar := false -}}
{{- range $name := $servers -}}
{{- range $address := without (regexSplit "[\\s,]+" (get $environment $name) -1) "" -}}
{{- if not (regexMatch "^(redis://)?(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\])(:|/|$)" $address) }}{{ $isFar = true }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $isPlain := or (hasPrefix "redis://" $url) (and $servers (not $url) (not $tls)) -}}
{{- if and $isPlain $isFar (ne (get $environment "MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT") "true") -}}
{{- fail (printf "environment.%s: without TLS the password and every sign-out can be read and changed on the way. %s. On a network that you trust, set MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT to true." (first $servers) (ternary "Begin it with rediss://" "Set MCP_REDIS_TLS to true" (ne $url ""))) -}}
{{- end -}}
{{- if ne (hasKey $environment "MCP_REDIS_CERT_FILE") (hasKey $environment "MCP_REDIS_KEY_FILE") -}}
{{- fail "secretFiles: MCP_REDIS_CERT_FILE and MCP_REDIS_KEY_FILE belong together. Add the other one, or remove both." -}}
{{- end -}}
{{- end -}}

{{/* Of [root, environment of a tier]: what the server would miss at its start. */}}
{{- define "vault.refuseMissing" -}}
{{- $values := (index . 0).Values -}}{{- $environment := index . 1 -}}
{{- range $name := list "MCP_OIDC_ISSUER" "MCP_OIDC_CLIENT_ID" -}}
{{- if not (hasKey $environment $name) -}}
{{- fail (printf "environment.%s: set it. Without an identity provider the server does not start." $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $values.backend "vault") (not (hasKey $environment "VAULT_ADDR")) -}}
{{- fail "environment.VAULT_ADDR: backend is vault. Set it to the address of Vault, e.g. https://vault.example.com:8200." -}}
{{- end -}}
{{- if and (eq $values.backend "sealed-file") (not (hasKey $environment "MCP_VAULT_KEY_FILE")) -}}
{{- fail "secretFiles: the sealed file needs its store key. Add MCP_VAULT_KEY_FILE." -}}
{{- end -}}
{{- if not (or (hasKey $environment "MCP_AUDIT_KEY_FILE") (hasKey $environment "MCP_VAULT_KEY_FILE")) -}}
{{- fail "secretFiles: without an audit key, the log cannot be verified once a pod was replaced. Add MCP_AUDIT_KEY_FILE." -}}
{{- end -}}
{{- if and $values.ingress.enabled (has (get $environment "MCP_TRUSTED_PROXIES") (list "" "0")) -}}
{{- fail "environment.MCP_TRUSTED_PROXIES: behind the ingress all users share one rate limit without it. Set it to the number of proxies, 1 for the ingress alone." -}}
{{- end -}}
{{- end -}}
