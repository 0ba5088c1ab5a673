{{- /* What fits together although each value is right by itself? A schema cannot compare, so it is done here. */ -}}
{{- define "tenure.checks" -}}
{{- $partitions := .Values.settings.TENURE_PARTITIONS | default 12 | int -}}
{{- $never := printf "there are %d partitions: the others would never be ready" $partitions -}}
{{- $scaled := ne .Values.autoscaling.by "none" -}}
{{- $most := int .Values.autoscaling.maxReplicas -}}
{{- if and $scaled (gt $most $partitions) -}}
{{- fail (printf "autoscaling.maxReplicas is %d and %s" $most $never) -}}
{{- end -}}
{{- range $name, $service := .Values.services -}}
{{- $replicas := int $service.replicas -}}
{{- if and (include "tenure.isReader" $name) (gt $replicas $partitions) -}}
{{- fail (printf "services.%s.replicas is %d and %s" $name $replicas $never) -}}
{{- end -}}
{{- if and $scaled (gt $replicas $most) -}}
{{- fail (printf "services.%s.replicas is %d and autoscaling.maxReplicas is %d" $name $replicas $most) -}}
{{- end -}}
{{- end -}}
{{- $security := .Values.settings.TENURE_KAFKA_SECURITY | default "plaintext" -}}
{{- if hasPrefix "sasl" $security -}}
{{- range list "TENURE_KAFKA_USERNAME" "TENURE_KAFKA_PASSWORD" -}}
{{- if not (hasKey $.Values.secrets .) -}}
{{- fail (printf "secrets.%s is needed, for TENURE_KAFKA_SECURITY is %s" . $security) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $hosts := without (values .Values.ingress.hosts) "" -}}
{{- if and .Values.ingress.enabled (or (not $hosts) (ne (len $hosts) (len (uniq $hosts)))) -}}
{{- fail "ingress.hosts: at least one is needed, and each door needs a host of its own" -}}
{{- end -}}
{{- end -}}
