{{/* Of [root, tier, its environment]: logins to Vault that lack something, or of which something has no effect. */}}
{{- define "vault.refuseLogins" -}}
{{- $tier := index . 1 -}}{{- $environment := index . 2 -}}
{{- if eq (index . 0).Values.backend "vault" -}}
{{- $found := list -}}
{{- range $prefix := list "VAULT_" "VAULT_READ_" "VAULT_WRITE_" -}}
{{- if include "vault.login" (list $tier $environment $prefix) }}{{ $found = append $found $prefix }}{{ end -}}
{{- end -}}
{{- if and (has "VAULT_" $found) (gt (len $found) 1) -}}
{{- fail (printf "%s.environment.VAULT_AUTH_METHOD: a login for reading and writing is set together with variables that begin with %s. Keep one kind." $tier (last $found)) -}}
{{- end -}}
{{- $needed := eq $tier "form" | ternary (list "VAULT_WRITE_") (eq $tier "tool" | ternary (list "VAULT_READ_") (list "VAULT_READ_" "VAULT_WRITE_")) -}}
{{- range $prefix := $needed -}}
{{- if not (or (has $prefix $found) (and (eq $tier "all") (has "VAULT_" $found))) -}}
{{- fail (printf "environment.%sAUTH_METHOD: nothing says how %s logs in to Vault. Set it to kubernetes, with %sROLE and %s.serviceAccountToken.variables, or to another method." $prefix (ternary "the server" (printf "the %s tier" $tier) (eq $tier "all")) $prefix $tier) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of [tier, environment, prefix]: "true" if there is a login of that prefix, which is complete. */}}
{{- define "vault.login" -}}
{{- $tier := index . 0 -}}{{- $environment := index . 1 -}}{{- $prefix := index . 2 -}}
{{- $all := list "AUTH_MOUNT" "ROLE" "ROLE_ID" "SECRET_ID_FILE" "WRAPPED_SECRET_ID_FILE" "JWT_FILE" "TOKEN_FILE" -}}
{{- $of := dict "token" (list "TOKEN_FILE") "approle" (list "AUTH_MOUNT" "ROLE" "ROLE_ID" "SECRET_ID_FILE" "WRAPPED_SECRET_ID_FILE") "kubernetes" (list "AUTH_MOUNT" "ROLE" "JWT_FILE") "jwt" (list "AUTH_MOUNT" "ROLE" "JWT_FILE") "cert" (list "AUTH_MOUNT" "ROLE") "agent" list -}}
{{- $given := list -}}
{{- range $name := $all }}{{ if hasKey $environment (printf "%s%s" $prefix $name) }}{{ $given = append $given $name }}{{ end }}{{ end -}}
{{- $method := get $environment (printf "%sAUTH_METHOD" $prefix) -}}
{{- if and (not $method) (has "TOKEN_FILE" $given) }}{{ $method = "token" }}{{ end -}}
{{- if and $given (not $method) -}}
{{- fail (printf "environment.%sAUTH_METHOD: %s%s is set, and nothing says for which login. Set it, or remove the other." $prefix $prefix (first $given)) -}}
{{- end -}}
{{- if $method -}}
{{- range $name := $given }}{{ if not (has $name (get $of $method)) -}}
{{- fail (printf "environment.%s%s: it has no part in a login with the method %s. Remove it, or correct %sAUTH_METHOD." $prefix $name $method $prefix) -}}
{{- end }}{{ end -}}
{{- if and (has $method (list "kubernetes" "jwt")) (not (has "ROLE" $given)) -}}
{{- fail (printf "environment.%sROLE: a login with the method %s needs it. Set it to the role in Vault." $prefix $method) -}}
{{- end -}}
{{- if and (has $method (list "kubernetes" "jwt")) (not (has "JWT_FILE" $given)) -}}
{{- fail (printf "%s.serviceAccountToken.variables: a login with the method %s needs a token, and the chart mounts none by itself. Add %sJWT_FILE." $tier $method $prefix) -}}
{{- end -}}
{{- if and (eq $method "token") (not (has "TOKEN_FILE" $given)) -}}
{{- fail (printf "secretFiles: a login with a token needs it. Add %sTOKEN_FILE." $prefix) -}}
{{- end -}}
{{- if eq $method "approle" -}}
{{- if not (has "ROLE_ID" $given) }}{{ fail (printf "environment.%sROLE_ID: a login with the method approle needs it. Set it." $prefix) }}{{ end -}}
{{- if eq (has "SECRET_ID_FILE" $given) (has "WRAPPED_SECRET_ID_FILE" $given) -}}
{{- fail (printf "secretFiles: a login with the method approle needs one of %sSECRET_ID_FILE and %sWRAPPED_SECRET_ID_FILE. Keep or add one." $prefix $prefix) -}}
{{- end -}}
{{- end -}}
true
{{- end -}}
{{- end -}}
