{{- define "vault.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "mcp-credential-vault" $name) }}{{ $name = printf "%s-mcp-credential-vault" $name }}{{ end -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* The tiers to install: a JSON array of names. */}}
{{- define "vault.tiers" -}}
{{- eq .Values.tiers "split" | ternary (list "form" "tool") (list "all") | toJson -}}
{{- end -}}

{{/* Of [root, tier]: the name of that tier's objects. */}}
{{- define "vault.tierName" -}}
{{- $root := index . 0 -}}{{- $tier := index . 1 -}}
{{- include "vault.name" $root }}{{ if ne $tier "all" }}-{{ $tier }}{{ end -}}
{{- end -}}

{{- define "vault.selector" -}}
app.kubernetes.io/name: mcp-credential-vault
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "vault.labels" -}}
{{ include "vault.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end -}}

{{- define "vault.serviceAccount" -}}
{{- $account := (index (index . 0).Values (index . 1)).serviceAccount -}}
{{- $account.create | ternary (default (include "vault.tierName" .) $account.name) (default "default" $account.name) -}}
{{- end -}}

{{- define "vault.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* Of [root, tier]: all variables of that tier, as a JSON object. */}}
{{- define "vault.environment" -}}
{{- $root := index . 0 -}}{{- $tier := index . 1 -}}
{{- $values := index $root.Values $tier -}}
{{- $own := dict
  "MCP_SERVER_BASE_URL" $root.Values.serverBaseUrl
  "MCP_VAULT_BACKEND" $root.Values.backend
  "MCP_AUDIT_FOLDER" "/data/audit" -}}
{{- if eq $root.Values.backend "sealed-file" }}{{ $_ := set $own "MCP_VAULT_FOLDER" "/data/store" }}{{ end -}}
{{- if $root.Values.metrics.enabled }}{{ $_ := set $own "MCP_METRICS_PORT" (toString $root.Values.metrics.port) }}{{ $_ := set $own "MCP_METRICS_HOST" "0.0.0.0" }}{{ end -}}
{{- range concat $root.Values.secretFiles $values.secretFiles -}}
{{- $_ := set $own .variable (printf "/run/secrets/mcp/%s/%s" .secret .key) -}}
{{- end -}}
{{- range $values.serviceAccountToken.variables }}{{ $_ := set $own . "/run/secrets/service-account/token" }}{{ end -}}
{{- $given := merge (dict) $values.environment $root.Values.environment -}}
{{- range $name, $value := $given -}}
{{- if hasKey $own $name }}{{ fail (printf "environment.%s: the chart sets it, from another value. Remove one of them." $name) }}{{ end -}}
{{- $_ := set $own $name (toString $value) -}}
{{- end -}}
{{- $own | toJson -}}
{{- end -}}

{{/* Set-ups that would lose links, sessions or the store. */}}
{{- define "vault.refuse" -}}
{{- $values := .Values -}}
{{- range $tier := include "vault.tiers" . | fromJsonArray -}}
{{- $environment := include "vault.environment" (list $ $tier) | fromJson -}}
{{- $redis := false -}}
{{- range $name, $_ := $environment }}{{ if hasPrefix "MCP_REDIS_" $name }}{{ $redis = true }}{{ end }}{{ end -}}
{{- $several := or (eq $values.tiers "split") (gt (int (index $values $tier).replicas) 1) -}}
{{- if and $several (eq $values.backend "sealed-file") -}}
{{- fail "backend: the sealed file is for one process on one node. Use vault or aws-secrets-manager for several replicas or tiers." -}}
{{- end -}}
{{- if and $several (not $redis) -}}
{{- fail "environment: several replicas or tiers share links and sessions in Redis. Set MCP_REDIS_URL, or the variables of a Sentinel or Cluster." -}}
{{- end -}}
{{- if and $several (not (hasKey $environment "MCP_WEB_KEY_FILE")) -}}
{{- fail "secretFiles: several replicas or tiers open each other's cookies and links with one web key. Add MCP_WEB_KEY_FILE." -}}
{{- end -}}
{{- end -}}
{{- end -}}
