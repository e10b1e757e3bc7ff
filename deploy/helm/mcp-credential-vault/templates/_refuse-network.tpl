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
{{- fail (printf "networkPolicy.%s: a peer admits everybody. Select the namespace or pods of %s, or the addresses of your load balancer, as networks with a prefix of /8 or longer, or /16 for IPv6, and IPv4 ones written as IPv4." $list (ternary "Prometheus" "the ingress controller" (eq $list "metricsFrom"))) -}}
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
of length 0 to all of them.
*/}}
{{- define "vault.isWide" -}}
{{- $shortest := contains ":" . | ternary 16 8 -}}
{{- if or (not (contains "/" .)) (lt (include "vault.networkLength" . | int) $shortest) (include "vault.isIpv4InIpv6" .) }}true{{ end -}}
{{- end -}}

{{/* Of a network: the number after its slash. */}}
{{- define "vault.networkLength" -}}
{{- regexReplaceAll "^0+" (regexFind "/[0-9]+\\s*$" . | trim | trimPrefix "/") "" | default "0" -}}
{{- end -}}

{{/* Of a network: "true" if it is an IPv4 one that is written as IPv6, or reached so through a gateway (RFC 6052). */}}
{{- define "vault.isIpv4InIpv6" -}}
{{- if regexMatch "(?i)^\\s*([0:]*:ffff|0*64:ff9b):" . }}true{{ end -}}
{{- end -}}

{{/* Of a network: "true" if it is larger than the one around the cloud's metadata service, and holds that. */}}
{{- define "vault.holdsMetadata" -}}
{{- $length := include "vault.networkLength" . | int -}}
{{- if regexMatch "(?i)^\\s*fd00:" . -}}
{{- if lt $length 32 }}true{{ end -}}
{{- else if and (regexMatch "^\\s*0*169\\.[0-9]+\\." .) (ge $length 8) (lt $length 16) -}}
{{- $second := regexReplaceAll "^\\s*0*169\\.0*([0-9]+)\\..*$" . "${1}" | int -}}
{{- $size := index (list 256 128 64 32 16 8 4 2) (sub $length 8 | int) -}}
{{- if eq (div $second $size) (div 254 $size) }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/* Of a rule of networkPolicy.egress: one that reaches every address, or the cloud's metadata service among others. */}}
{{- define "vault.refuseWideEgress" -}}
{{- $wide := empty .to -}}
{{- $holds := false -}}
{{- range $peer := .to -}}
{{- $block := default dict $peer.ipBlock -}}
{{- $spared := has "169.254.0.0/16" (default list $block.except) -}}
{{- if contains ":" (toString $block.cidr) }}{{ $spared = has "fd00:ec2::/32" (default list $block.except) }}{{ end -}}
{{- if include "vault.isIpv4InIpv6" (toString $block.cidr) }}{{ $spared = false }}{{ end -}}
{{- if and $block.cidr (not $spared) -}}
{{- if include "vault.isWide" (toString $block.cidr) }}{{ $wide = true }}{{ end -}}
{{- if include "vault.holdsMetadata" (toString $block.cidr) }}{{ $holds = true }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $wide -}}
{{- fail "networkPolicy.egress: a rule reaches every address, or a large part of them, and so perhaps the cloud's metadata service, which hands out the node's credentials. Name pods, or networks with a prefix of /8 or longer, or /16 for IPv6, and IPv4 ones written as IPv4; for TCP to anywhere, add the port to egressPorts, which leave link-local addresses out." -}}
{{- end -}}
{{- if $holds -}}
{{- fail "networkPolicy.egress: a rule reaches the cloud's metadata service, which hands out the node's credentials. Add except: [169.254.0.0/16] to its ipBlock, or for IPv6 except: [fd00:ec2::/32], or name smaller networks." -}}
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
