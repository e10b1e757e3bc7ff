{{/* Two tiers that could do each other's work, or that do not find each other's requests. */}}
{{- define "vault.refuseTiers" -}}
{{- $form := include "vault.environment" (list . "form") | fromJson -}}
{{- $tool := include "vault.environment" (list . "tool") | fromJson -}}
{{- $account := include "vault.serviceAccount" (list . "form") -}}
{{- if eq $account (include "vault.serviceAccount" (list . "tool")) -}}
{{- fail (printf "form.serviceAccount and tool.serviceAccount: both tiers would run as the service account %s, and each could log in as the other. Set create to true in both, or give each a name of its own." $account) -}}
{{- end -}}
{{- range $annotation, $role := .Values.form.serviceAccount.annotations -}}
{{- if and (has $annotation (list "iam.gke.io/gcp-service-account" "azure.workload.identity/client-id")) (eq $role (get $.Values.tool.serviceAccount.annotations $annotation)) -}}
{{- fail (printf "form.serviceAccount.annotations and tool.serviceAccount.annotations: %s is the same in both tiers, so the form could read. Give each tier a role of its own." $annotation) -}}
{{- end -}}
{{- end -}}
{{- include "vault.refuseSharedFiles" . -}}
{{- include "vault.refuseForeign" (list "form" $form "tool" "READ" "WRITE") -}}
{{- include "vault.refuseForeign" (list "tool" $tool "form" "WRITE" "READ") -}}
{{- include "vault.refuseSameRole" (list $form $tool) -}}
{{- include "vault.refuseSameAws" (list . $form $tool) -}}
{{- range $name := append (.Files.Lines "variables-of-both-tiers.txt") "AWS_ENDPOINT_URL" -}}
{{- if ne (get $form $name) (get $tool $name) -}}
{{- fail (printf "form and tool: %s is not the same in both tiers, which then do not find each other's requests or credentials. Set it once for both, in environment or secretFiles." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Keys and logins that both tiers would hold. */}}
{{- define "vault.refuseSharedFiles" -}}
{{- $ofTools := list -}}
{{- range .Values.tools.secretFiles }}{{ $ofTools = append $ofTools .variable }}{{ end -}}
{{- $of := dict -}}
{{- range include "vault.secretFiles" (list . "tool") | fromJsonArray }}{{ $_ := set $of (printf "%s/%s" .secret .key) .variable }}{{ end -}}
{{- range include "vault.secretFiles" (list . "form") | fromJsonArray -}}
{{- $other := get $of (printf "%s/%s" .secret .key) -}}
{{- range $name := list .variable $other -}}
{{- if and $other (not (has $name $ofTools)) (not (regexMatch "^(MCP_WEB_KEY_(ACCEPTED_)?FILE|MCP_REDIS_[A-Z_]+_FILE|MCP_SEALED_ENVELOPE_KEY_(ACCEPTED_)?FILE|MCP_AUDIT_ANCHOR_TOKEN_FILE|VAULT_CACERT|VAULT_CLIENT_CERT|VAULT_CLIENT_KEY|NODE_EXTRA_CA_CERTS)$" $name)) -}}
{{- fail (printf "secretFiles: %s would have the same file in both tiers, and it belongs to one. Name a key of each tier's own in form.secretFiles and tool.secretFiles; MCP_OIDC_CLIENT_SECRET_FILE belongs in form.secretFiles alone." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of [tier, its environment, the other tier, READ or WRITE of the other tier, its own]. */}}
{{- define "vault.refuseForeign" -}}
{{- $tier := index . 0 -}}{{- $other := index . 2 -}}{{- $foreign := index . 3 -}}{{- $own := index . 4 -}}
{{- range $name, $_ := index . 1 -}}
{{- if hasPrefix (printf "VAULT_%s_" $foreign) $name -}}
{{- fail (printf "%s: it would have %s, the login of the %s tier. Set that in %s.environment, %s.secretFiles or %s.serviceAccountToken alone." $tier $name $other $other $other $other) -}}
{{- end -}}
{{- if regexMatch "^VAULT_(AUTH_METHOD|AUTH_MOUNT|TOKEN|ROLE|SECRET_ID|WRAPPED_SECRET_ID|JWT)" $name -}}
{{- fail (printf "%s: it would have %s, a login for reading and writing. Remove it, and give this tier a login with VAULT_%s_…." $tier $name $own) -}}
{{- end -}}
{{- if hasPrefix "MCP_VAULT_KEY" $name -}}
{{- fail (printf "%s: it would have %s, which opens the whole store. Remove it." $tier $name) -}}
{{- end -}}
{{- if regexMatch "^MCP_(ADMIN|SCIM)_" $name -}}
{{- fail (printf "%s: it would have %s, and two tiers have no admin API. Remove it, and use the commands offboard and revoke." $tier $name) -}}
{{- end -}}
{{- if and (eq $tier "tool") (eq $name "MCP_OIDC_CLIENT_SECRET_FILE") -}}
{{- fail "tool: it would have MCP_OIDC_CLIENT_SECRET_FILE, with which the form alone signs users in. Set it in form.secretFiles alone." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of the environments of form and tool: one role of Vault for both has the rights of both. */}}
{{- define "vault.refuseSameRole" -}}
{{- $form := index . 0 -}}{{- $tool := index . 1 -}}
{{- range $name := list "ROLE_ID" "ROLE" -}}
{{- /* Vault's kubernetes method takes a role's name in any case. */ -}}
{{- $role := lower (get $form (printf "VAULT_WRITE_%s" $name)) -}}
{{- $sameMount := eq (include "vault.authMount" (list $form "WRITE")) (include "vault.authMount" (list $tool "READ")) -}}
{{- if and $role (eq $role (lower (get $tool (printf "VAULT_READ_%s" $name)))) (or (eq $name "ROLE_ID") $sameMount) -}}
{{- fail (printf "form.environment.VAULT_WRITE_%s and tool.environment.VAULT_READ_%s: both tiers would log in with one role, which has the rights of both. Give each a role of its own." $name $name) -}}
{{- end -}}
{{- end -}}
{{- $certificate := and (eq (get $form "VAULT_WRITE_AUTH_METHOD") "cert") (eq (get $tool "VAULT_READ_AUTH_METHOD") "cert") -}}
{{- if and $certificate (eq (get $form "VAULT_CLIENT_KEY") (get $tool "VAULT_CLIENT_KEY")) -}}
{{- fail "secretFiles: both tiers would log in to Vault with one VAULT_CLIENT_KEY. Name a certificate of each tier's own in form.secretFiles and tool.secretFiles." -}}
{{- end -}}
{{- end -}}

{{/* Of [environment of a tier, READ or WRITE]: the mount of its login in Vault. */}}
{{- define "vault.authMount" -}}
{{- $environment := index . 0 -}}{{- $login := index . 1 -}}
{{- $mount := trimAll "/" (get $environment (printf "VAULT_%s_AUTH_MOUNT" $login)) -}}
{{- default (get $environment (printf "VAULT_%s_AUTH_METHOD" $login)) $mount -}}
{{- end -}}

{{/* Of [root, environments of form and tool]: one login to AWS for both has the rights of both. */}}
{{- define "vault.refuseSameAws" -}}
{{- $values := (index . 0).Values -}}{{- $form := index . 1 -}}{{- $tool := index . 2 -}}
{{- $annotation := "eks.amazonaws.com/role-arn" -}}
{{- $ofForm := list (get $form "AWS_ROLE_ARN") (get (default dict $values.form.serviceAccount.annotations) $annotation) -}}
{{- range $role := list (get $tool "AWS_ROLE_ARN") (get (default dict $values.tool.serviceAccount.annotations) $annotation) -}}
{{- if and $role (has $role $ofForm) -}}
{{- fail (printf "form.serviceAccount.annotations and tool.serviceAccount.annotations: both tiers would have one role of AWS, in %s or AWS_ROLE_ARN, so the form could read. Give each tier a role of its own." $annotation) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_PROFILE" "AWS_DEFAULT_PROFILE" "AWS_SHARED_CREDENTIALS_FILE" "AWS_CONFIG_FILE" "AWS_CONTAINER_CREDENTIALS_FULL_URI" "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" "AWS_EC2_METADATA_SERVICE_ENDPOINT" -}}
{{- if and (get $form $name) (eq (get $form $name) (get $tool $name)) -}}
{{- fail (printf "form and tool: %s is the same in both tiers, which would log in to AWS as one. Remove it, and give each service account a role of its own: form.serviceAccount.annotations and tool.serviceAccount.annotations. If your tools need it, set it in tool.environment alone." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
