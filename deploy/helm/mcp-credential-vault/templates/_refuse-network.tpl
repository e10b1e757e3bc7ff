{{/* A network policy that admits everybody, or that keeps Prometheus out. */}}
{{- define "vault.refuseNetwork" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- range $list := list "from" "metricsFrom" -}}
{{- range $peer := index $policy $list -}}
{{- /* Kubernetes masks any address of length 0 to all of them. */ -}}
{{- $everybody := regexMatch "/0+\\s*$" (toString (default dict $peer.ipBlock).cidr) -}}
{{- $selects := or (include "vault.selects" $peer.namespaceSelector) (include "vault.selects" $peer.podSelector) -}}
{{- if and (hasKey $peer "namespaceSelector") (not $selects) }}{{ $everybody = true }}{{ end -}}
{{- if $everybody -}}
{{- fail (printf "networkPolicy.%s: a peer admits everybody. Select the namespace or pods of %s, or the addresses of your load balancer." $list (ternary "Prometheus" "the ingress controller" (eq $list "metricsFrom"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.enabled (not $policy.metricsFrom) -}}
{{- fail "networkPolicy.metricsFrom: metrics are enabled, and nobody may scrape them. Set it to the peers of Prometheus." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a selector of labels: "true" if it asks for a label that not everybody has. */}}
{{- define "vault.selects" -}}
{{- $selector := default dict . -}}
{{- $selects := not (empty $selector.matchLabels) -}}
{{- range $expression := $selector.matchExpressions -}}
{{- /* Each namespace has this label. */ -}}
{{- $exists := and (eq $expression.operator "Exists") (ne $expression.key "kubernetes.io/metadata.name") -}}
{{- if or $exists (eq $expression.operator "In") }}{{ $selects = true }}{{ end -}}
{{- end -}}
{{- if $selects }}true{{ end -}}
{{- end -}}

{{/* Of [root, environment of a tier]: ports of addresses that the network policy would close. */}}
{{- define "vault.refuseClosedPorts" -}}
{{- $policy := (index . 0).Values.networkPolicy -}}{{- $environment := index . 1 -}}
{{- $open := list -}}
{{- range $policy.egressPorts }}{{ $open = append $open (int .) }}{{ end -}}
{{- /* Rules of the operator's own may open any port. */ -}}
{{- if and $policy.enabled (not $policy.egress) -}}
{{- range $name := list "MCP_OIDC_ISSUER" "MCP_REDIS_URL" "MCP_REDIS_SENTINEL_NODES" "MCP_REDIS_CLUSTER_NODES" "VAULT_ADDR" "AWS_ENDPOINT_URL_SECRETS_MANAGER" "MCP_AUDIT_ANCHOR" -}}
{{- range $address := regexSplit "[\\s,]+" (get $environment $name) -1 -}}
{{- $port := trimPrefix ":" (regexFind ":[0-9]+$" (regexReplaceAll "^([a-z]+://[^/?#]*).*$" $address "${1}")) -}}
{{- if not $port -}}
{{- $port = ternary "443" (ternary "6379" "" (regexMatch "^rediss?://" $address)) (hasPrefix "https://" $address) -}}
{{- end -}}
{{- if and $port (not (has (int $port) $open)) -}}
{{- fail (printf "networkPolicy.egressPorts: the port of %s, %s, is not among them, so the server could not connect. Add it, or a rule to networkPolicy.egress." $name $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
