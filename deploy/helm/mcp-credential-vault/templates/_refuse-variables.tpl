{{/* Names of variables that the server does not read. No message repeats a value. */}}
{{- define "vault.refuseVariables" -}}
{{- $known := .Files.Lines "variables.txt" -}}
{{- $tiers := include "vault.tiers" . | fromJsonArray -}}
{{- range $name, $value := .Values.tools.environment -}}
{{- include "vault.refuseSecret" (list "tools.environment" "tools.secretFiles" $name $value $known) -}}
{{- include "vault.refuseNamedSecret" (list "tools.environment" "tools.secretFiles" $name $value) -}}
{{- if has $name $known -}}
{{- fail (printf "tools.environment.%s: the server reads this variable. Move it to environment." $name) -}}
{{- end -}}
{{- include "vault.refuseUnchecked" (list "tools.environment" $name) -}}
{{- end -}}
{{- range .Values.tools.secretFiles -}}
{{- if has .variable $known -}}
{{- fail (printf "tools.secretFiles: the server reads the variable %s. Move it to secretFiles." .variable) -}}
{{- end -}}
{{- include "vault.refuseUnchecked" (list "tools.secretFiles" .variable) -}}
{{- end -}}
{{- $scopes := list (list "" .Values) -}}
{{- range $tier := $tiers }}{{ $scopes = append $scopes (list (printf "%s." $tier) (index $.Values $tier)) }}{{ end -}}
{{- range $scope := $scopes -}}
{{- $at := index $scope 0 -}}
{{- range $name, $value := (index $scope 1).environment -}}
{{- include "vault.refuseSecret" (list (printf "%senvironment" $at) (printf "%ssecretFiles" $at) $name $value $known) -}}
{{- include "vault.refuseVariable" (list $ (printf "%senvironment" $at) $name $known) -}}
{{- include "vault.refuseValue" (list $ (printf "%senvironment" $at) $name $value) -}}
{{- end -}}
{{- range (index $scope 1).secretFiles }}{{ include "vault.refuseFile" (list (printf "%ssecretFiles" $at) .variable $known) }}{{ end -}}
{{- end -}}
{{- range $tier := $tiers -}}
{{- $seen := dict -}}
{{- range include "vault.secretFiles" (list $ $tier) | fromJsonArray -}}
{{- range $what := list .variable (printf "key %s of Secret %s" .key .secret) -}}
{{- if hasKey $seen $what }}{{ fail (printf "secretFiles: %s is given twice to tier %s. Remove one of them." $what $tier) }}{{ end -}}
{{- $_ := set $seen $what true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of [root, path of the map, name, known names]. */}}
{{- define "vault.refuseVariable" -}}
{{- $values := (index . 0).Values -}}{{- $at := index . 1 -}}{{- $name := index . 2 -}}{{- $known := index . 3 -}}
{{- if hasPrefix "MCP_LOCAL_" $name -}}
{{- fail (printf "%s.%s: a local user's server listens on its own machine alone. Remove it, and set MCP_OIDC_ISSUER and MCP_OIDC_CLIENT_ID." $at $name) -}}
{{- end -}}
{{- include "vault.refuseUnchecked" (list $at $name) -}}
{{- if not (or (has $name $known) (regexMatch "^(AWS_[A-Z0-9_]+|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|TZ)$" $name)) -}}
{{- $near := include "vault.nearest" (list $name $known) -}}
{{- fail (printf "%s.%s: the server does not read this variable. Correct its name%s, or move it to tools.environment if your tools read it." $at $name (ternary ": docs/configuration.md lists those that it reads" (printf " to %s" $near) (eq $near ""))) -}}
{{- end -}}
{{- if and (hasPrefix "VAULT_" $name) (ne $values.backend "vault") -}}
{{- fail (printf "%s.%s: backend is %s, which does not read it. Set backend to vault, or remove it." $at $name $values.backend) -}}
{{- end -}}
{{- if and (hasPrefix "MCP_AWS_" $name) (ne $values.backend "aws-secrets-manager") -}}
{{- fail (printf "%s.%s: backend is %s, which does not read it. Set backend to aws-secrets-manager, or remove it." $at $name $values.backend) -}}
{{- end -}}
{{- end -}}

{{/*
Of [name, known names]: the known name that differs from it in one place, or else nothing. The place may have a character more, less or another
one, or two that changed places.
*/}}
{{- define "vault.nearest" -}}
{{- $name := index . 0 -}}
{{- $near := "" -}}
{{- range $known := index . 1 -}}
{{- $most := max (len $name) (len $known) | int -}}
{{- if and (eq $near "") (ne $known "") (le (sub $most (min (len $name) (len $known))) 1) -}}
{{- $begin := 0 -}}{{- $end := 0 -}}
{{- range $i := until (int (min (len $name) (len $known))) -}}
{{- $length := add1 $i | int -}}
{{- if eq (trunc $length $name) (trunc $length $known) }}{{ $begin = $length }}{{ end -}}
{{- if eq (trunc (mul -1 $length | int) $name) (trunc (mul -1 $length | int) $known) }}{{ $end = $length }}{{ end -}}
{{- end -}}
{{- $left := sub $most (add $begin $end) | int -}}
{{- $here := substr $begin (int (add $begin 2)) $name -}}{{- $there := substr $begin (int (add $begin 2)) $known -}}
{{- $isSwapped := and (eq $left 2) (eq (len $name) (len $known)) (eq $here (printf "%s%s" (trunc -1 $there) (trunc 1 $there))) -}}
{{- if or (le $left 1) $isSwapped }}{{ $near = $known }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $near -}}
{{- end -}}

{{/* Of [path of the map, name]. */}}
{{- define "vault.refuseUnchecked" -}}
{{- if eq (index . 1) "NODE_TLS_REJECT_UNAUTHORIZED" -}}
{{- fail (printf "%s.%s: the server does not start without checks of certificates. Remove it, and name your authority in secretFiles with the variable NODE_EXTRA_CA_CERTS." (index . 0) (index . 1)) -}}
{{- end -}}
{{- end -}}

{{/* Of [path of the list, variable, known names]. */}}
{{- define "vault.refuseFile" -}}
{{- $at := index . 0 -}}{{- $name := index . 1 -}}{{- $known := index . 2 -}}
{{- if eq $name "NODE_EXTRA_CA_CERTS" -}}
{{- else if not (has $name $known) -}}
{{- $near := include "vault.nearest" (list $name $known) -}}
{{- fail (printf "%s: the server does not read the variable %s. Correct its name%s, or move it to tools.secretFiles if your tools read it." $at $name (ternary ": docs/configuration.md lists those that it reads" (printf " to %s" $near) (eq $near ""))) -}}
{{- else if not (regexMatch "(_FILE|^VAULT_CACERT|^VAULT_CLIENT_CERT|^VAULT_CLIENT_KEY)$" $name) -}}
{{- $file := printf "%s_FILE" $name -}}
{{- fail (printf "%s: %s is not the path of a file. %s" $at $name (ternary (printf "Use the variable %s." $file) "Set it in environment." (has $file $known))) -}}
{{- end -}}
{{- end -}}
