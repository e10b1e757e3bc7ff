{{/* A network policy that admits everybody, or that keeps Prometheus out. */}}
{{- define "vault.refuseNetwork" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- range $list := list "from" "metricsFrom" -}}
{{- range $peer := index $policy $list -}}
{{- $everybody := and (hasKey $peer "ipBlock") (include "vault.isWide" (toString (default dict $peer.ipBlock).cidr)) -}}
{{- $selects := or (include "vault.selects" $peer.namespaceSelector) (include "vault.selects" $peer.podSelector) -}}
{{- if and (hasKey $peer "namespaceSelector") (not $selects) }}{{ $everybody = true }}{{ end -}}
{{- if $everybody -}}
{{- fail (printf "networkPolicy.%s: a peer admits everybody. Select the namespace or pods of %s, or the addresses of your load balancer, as networks with a prefix of /8 or longer, or /16 for IPv6." $list (ternary "Prometheus" "the ingress controller" (eq $list "metricsFrom"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $rule := $policy.egress }}{{ include "vault.refuseWideEgress" $rule }}{{ end -}}
{{- if and .Values.metrics.enabled (not $policy.metricsFrom) -}}
{{- fail "networkPolicy.metricsFrom: metrics are enabled, and nobody may scrape them. Set it to the peers of Prometheus." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Of a network, such as 10.0.0.0/8: "true" if it is half of all addresses or the like, of which a few cover all. Kubernetes masks any address
of length 0 to all of them. An IPv4 network may be written as an IPv6 one.
*/}}
{{- define "vault.isWide" -}}
{{- $length := regexReplaceAll "^0+" (regexFind "/[0-9]+\\s*$" . | trim | trimPrefix "/") "" -}}
{{- $shortest := contains ":" . | ternary 16 8 -}}
{{- if or (not (contains "/" .)) (lt (int (default "0" $length)) $shortest) (hasPrefix "::ffff:" (lower . | trim)) }}true{{ end -}}
{{- end -}}

{{/* Of a rule of networkPolicy.egress: one that reaches every address, with the cloud's metadata service among them. */}}
{{- define "vault.refuseWideEgress" -}}
{{- $wide := empty .to -}}
{{- range $peer := .to -}}
{{- $block := default dict $peer.ipBlock -}}
{{- $spared := has "169.254.0.0/16" (default list $block.except) -}}
{{- if contains ":" (toString $block.cidr) }}{{ $spared = has "fd00:ec2::/32" (default list $block.except) }}{{ end -}}
{{- if and $block.cidr (include "vault.isWide" (toString $block.cidr)) (not $spared) }}{{ $wide = true }}{{ end -}}
{{- end -}}
{{- if $wide -}}
{{- fail "networkPolicy.egress: a rule reaches every address, or a large part of them, and so perhaps the cloud's metadata service, which hands out the node's credentials. Name pods, or networks with a prefix of /8 or longer, or /16 for IPv6; for TCP to anywhere, add the port to egressPorts, which leave link-local addresses out." -}}
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
