{{/*
Of [path of a map of variables, path of the list of files beside it, name, value, known names]: secrets in plain text.
No message repeats a value.
*/}}
{{- define "vault.refuseSecret" -}}
{{- $at := index . 0 -}}{{- $files := index . 1 -}}{{- $name := index . 2 -}}{{- $value := index . 3 | toString -}}
{{- $file := printf "%s_FILE" $name -}}
{{- if has $file (index . 4) -}}
{{- fail (printf "%s.%s: a secret does not belong in values. Put it into a Secret, and name that in %s with the variable %s." $at $name $files $file) -}}
{{- end -}}
{{- if has $name (list "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" "AWS_CONTAINER_AUTHORIZATION_TOKEN") -}}
{{- fail (printf "%s.%s: a secret does not belong in values. Give the service account a role instead: serviceAccount.annotations." $at $name) -}}
{{- end -}}
{{- if include "vault.hasToken" $value -}}
{{- fail (printf "%s.%s: the value is a secret itself. Revoke it, put a new one into a Secret, and name that in %s." $at $name $files) -}}
{{- end -}}
{{- if include "vault.hasUser" (list $name $value) -}}
{{- fail (printf "%s.%s: the address contains a password or a user before its @. Remove it there, put it into a Secret, and name that in secretFiles, e.g. with the variable MCP_REDIS_PASSWORD_FILE. A user of Redis belongs in MCP_REDIS_USERNAME." $at $name) -}}
{{- end -}}
{{- end -}}

{{/* Of [path of the map, path of the list of files beside it, name, value]: a name that says that the value is a secret. */}}
{{- define "vault.refuseNamedSecret" -}}
{{- $name := index . 2 -}}
{{- if and (regexMatch "(^|_)(TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIALS?|KEY)$" $name) (not (regexMatch "(^|_)(PUBLIC|PROJECT)_KEY$" $name)) (ne (toString (index . 3)) "") -}}
{{- fail (printf "%s.%s: by its name, the value is a secret, which does not belong in values. Put it into a Secret, and name that in %s with a variable that your tools read a path from, e.g. %s_FILE." (index . 0) $name (index . 1) $name) -}}
{{- end -}}
{{- end -}}

{{/* Of a text: "true" if a key of this server or a token of Vault or OpenBao is in it. */}}
{{- define "vault.hasToken" -}}
{{- $found := regexMatch "mcv1_|(^|[\\s,=\"'`])hv[sbr]\\.|(^|[^A-Za-z0-9])hv[sbr]\\.[A-Za-z0-9_-]{20}" . -}}
{{- /* Names of hosts may begin with s. or b. too, and have no capitals. */ -}}
{{- range $token := regexFindAll "(^|[^A-Za-z0-9])[sb]\\.[A-Za-z0-9_-]{24,}" . -1 -}}
{{- if regexMatch "[A-Z]" $token }}{{ $found = true }}{{ end -}}
{{- end -}}
{{- if $found }}true{{ end -}}
{{- end -}}

{{/* Of [name, value]: "true" if an address names a user or password, as in a URL or as user:password@host:port. */}}
{{- define "vault.hasUser" -}}
{{- $value := index . 1 -}}
{{- $inUrl := regexMatch "://[^/?#\\s]*@" $value -}}
{{- /* What follows a colon and is no port is a password, and may contain a slash. */ -}}
{{- $withSlash := regexMatch "://[^/?#\\s:@]*:[0-9]*[^0-9/?#\\s,][^\\s]*@" $value -}}
{{- $inHosts := regexMatch "(^|[\\s,=\"'])[^\\s,@:/]*:[^\\s@]+@[^\\s,@/:]+:[0-9]+" $value -}}
{{- $isAddress := regexMatch "(_NODES|_URL|_URI|_ADDR|_ADDRESS|_ANCHOR|_ISSUER|_HOSTS?|_PROXY|_PROXIES|_ENDPOINT[A-Z_]*)$" (upper (index . 0)) -}}
{{- $inAddress := and $isAddress (regexMatch "(^|[\\s,\"']|//)[^/?#\\s,]+@" $value) -}}
{{- if or $inUrl $withSlash $inHosts $inAddress }}true{{ end -}}
{{- end -}}
