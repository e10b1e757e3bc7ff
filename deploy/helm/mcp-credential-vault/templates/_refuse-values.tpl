{{/*
Of [root, path of the map, name, value]: values with which the server does not start, by variable-values.yaml. An empty one is not set.
No message repeats a value.
*/}}
{{- define "vault.refuseValue" -}}
{{- $at := index . 1 -}}{{- $name := index . 2 -}}{{- $value := include "vault.text" (index . 3) -}}
{{- range $rule := (index . 0).Files.Get "variable-values.yaml" | fromYamlArray -}}
{{- if and (has $name $rule.variables) (ne $value "") -}}
{{- $words := list $value -}}
{{- if $rule.list }}{{ $words = without (regexSplit "[\\s,]+" $value -1) "" }}{{ end -}}
{{- $must := include "vault.mustBe" $rule -}}
{{- $wrong := empty $words -}}
{{- range $word := $words }}{{ if not (include "vault.fits" (list $rule $word)) }}{{ $wrong = true }}{{ end }}{{ end -}}
{{- if $wrong }}{{ fail (printf "%s.%s: it %s. Correct it." $at $name $must) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a rule: its words. */}}
{{- define "vault.mustBe" -}}
{{- if .oneOf }}must be {{ ternary "" "one of " (eq (len .oneOf) 1) }}{{ join ", " .oneOf }}
{{- else if .pattern }}{{ .must }}
{{- else }}must be a whole number from {{ .from | int }} to {{ .to | int }}
{{- end -}}
{{- end -}}

{{/* Of [rule, word]: "true" if the word is one that the rule accepts. */}}
{{- define "vault.fits" -}}
{{- $rule := index . 0 -}}{{- $word := index . 1 -}}
{{- $fits := false -}}
{{- if $rule.oneOf }}{{ $fits = has $word $rule.oneOf -}}
{{- else if $rule.pattern -}}
{{- $isAddress := and $rule.addressPattern (regexMatch "^https?:" $word) -}}
{{- $fits = regexMatch (ternary $rule.addressPattern $rule.pattern (not (empty $isAddress))) $word -}}
{{- else if regexMatch "^[0-9]{1,6}$" $word -}}
{{- /* Sprig's int takes a number that begins with 0 for an octal one. */ -}}
{{- $number := int (default "0" (trimAll " " (regexReplaceAll "^0+" $word ""))) -}}
{{- $fits = and (ge $number (int $rule.from)) (le $number (int $rule.to)) -}}
{{- end -}}
{{- if $fits }}true{{ end -}}
{{- end -}}

{{/* The address that links are built from. */}}
{{- define "vault.refuseBaseUrl" -}}
{{- $url := .Values.serverBaseUrl -}}
{{- $path := regexReplaceAll "/+$" (regexReplaceAll "^[a-z]+://[^/]*" $url "") "" -}}
{{- if not (hasPrefix "https://" $url) -}}
{{- fail "serverBaseUrl: it must begin with https://, since users type secrets there. Set it to where browsers and MCP clients reach the server, such as https://mcp.example.com." -}}
{{- end -}}
{{- if not (regexMatch "^https://(\\[[0-9A-Fa-f:.]+\\]|[^\\s/?#@:\\[\\]]+)(:[0-9]{1,5})?(/[^\\s?#]*)?$" $url) -}}
{{- fail "serverBaseUrl: it must be a host, perhaps a port and a path, and no user, query or fragment, such as https://mcp.example.com. Correct it." -}}
{{- end -}}
{{- $port := regexFind ":[0-9]+$" (regexFind "^https://[^/]*" $url) -}}
{{- $number := int (default "0" (regexReplaceAll "^:0*" $port "")) -}}
{{- if and $port (or (lt $number 1) (gt $number 65535)) -}}
{{- fail "serverBaseUrl: its port must be a whole number from 1 to 65535. Correct it." -}}
{{- end -}}
{{- /* Proxies, browsers and the server each make something else of these. */ -}}
{{- if regexMatch "(?i)//|\\\\|/(\\.|%2e){1,2}(/|$)" $path -}}
{{- fail "serverBaseUrl: its path has an empty part, a part that is . or .., or a backslash. Remove it." -}}
{{- end -}}
{{- if hasSuffix "/mcp" $path -}}
{{- fail "serverBaseUrl: it ends in /mcp, which is the URL for MCP clients. Set the same without /mcp at its end; the server adds that itself." -}}
{{- end -}}
{{- end -}}
