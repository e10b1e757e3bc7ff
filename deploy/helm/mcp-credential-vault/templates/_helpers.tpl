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

{{/* Of [root, tier]: the files of that tier, as a JSON array. */}}
{{- define "vault.secretFiles" -}}
{{- $root := index . 0 -}}
{{- concat (default list $root.Values.tools.secretFiles) (default list $root.Values.secretFiles) (default list (index $root.Values (index . 1)).secretFiles) | toJson -}}
{{- end -}}

{{/* Of the value of a variable: its text. Helm reads a number as a float, which would be written as 1e+06. */}}
{{- define "vault.text" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{/* Of [root, tier]: all variables of that tier that have a value, as a JSON object. */}}
{{- define "vault.environment" -}}
{{- $root := index . 0 -}}{{- $tier := index . 1 -}}
{{- $values := index $root.Values $tier -}}
{{- $own := dict
  "MCP_SERVER_BASE_URL" $root.Values.serverBaseUrl
  "MCP_VAULT_BACKEND" $root.Values.backend
  "MCP_AUDIT_FOLDER" "/data/audit" -}}
{{- if eq $root.Values.backend "sealed-file" }}{{ $_ := set $own "MCP_VAULT_FOLDER" "/data/store" }}{{ end -}}
{{- if $root.Values.metrics.enabled }}{{ $_ := set $own "MCP_METRICS_PORT" (toString $root.Values.metrics.port) }}{{ $_ := set $own "MCP_METRICS_HOST" "0.0.0.0" }}{{ end -}}
{{- range include "vault.secretFiles" . | fromJsonArray -}}
{{- $_ := set $own .variable (printf "/run/secrets/mcp/%s/%s" .secret .key) -}}
{{- end -}}
{{- range ($values.serviceAccountToken).variables }}{{ $_ := set $own . "/run/secrets/service-account/token" }}{{ end -}}
{{- /* Sprig's merge would let a 0 or false of the tier lose. */ -}}
{{- $given := dict -}}
{{- range $map := list $root.Values.tools.environment $root.Values.environment $values.environment -}}
{{- range $name, $value := $map }}{{ $_ := set $given $name (include "vault.text" $value) }}{{ end -}}
{{- end -}}
{{- range $name, $value := $given -}}
{{- if hasKey $own $name }}{{ fail (printf "environment.%s: the chart sets it, from another value. Remove one of them." $name) }}{{ end -}}
{{- if ne $value "" }}{{ $_ := set $own $name $value }}{{ end -}}
{{- end -}}
{{- $own | toJson -}}
{{- end -}}
