{{- /* How is everything called and labelled, and which services are of which kind? */ -}}

{{- define "tenure.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}

{{- /* In: root, and component or none. What selectors look for; of a Deployment it can never be changed. */ -}}
{{- define "tenure.selector" -}}
app.kubernetes.io/name: tenure
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "tenure.labels" -}}
{{ include "tenure.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Services that others call, and services that share the partitions of topics as a consumer group. */ -}}
{{- define "tenure.doors" -}}gateway projection delivery{{- end -}}
{{- define "tenure.readers" -}}acquisition interaction retention projection analytics{{- end -}}

{{- define "tenure.isDoor" -}}
{{- if has . (include "tenure.doors" . | splitList " ") }}yes{{ end -}}
{{- end -}}

{{- define "tenure.isReader" -}}
{{- if has . (include "tenure.readers" . | splitList " ") }}yes{{ end -}}
{{- end -}}

{{- /* In: root, component. What scales it: lag, cpu or nothing. */ -}}
{{- define "tenure.scaledBy" -}}
{{- $by := .root.Values.autoscaling.by -}}
{{- if and (eq $by "lag") (include "tenure.isReader" .component) }}lag{{ else if ne $by "none" }}cpu{{ end -}}
{{- end -}}

{{- /* Every change of a group's members has all its partitions assigned anew: rather late, and one at a time. */ -}}
{{- define "tenure.scalingBehaviour" -}}
scaleUp:
  stabilizationWindowSeconds: 60
  policies: [{type: Pods, value: 2, periodSeconds: 120}]
scaleDown:
  stabilizationWindowSeconds: 600
  policies: [{type: Pods, value: 1, periodSeconds: 300}]
{{- end -}}
