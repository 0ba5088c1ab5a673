{{- /* A pod of any process. In: root, component, module, settings (later ones count), resources, http (or not). */ -}}
{{- define "tenure.pod" -}}
{{- $secrets := .root.Values.secrets -}}
{{- $texts := include "tenure.sources" (dict "secrets" $secrets "certificates" false) | trim -}}
{{- $certificates := include "tenure.sources" (dict "secrets" $secrets "certificates" true) | trim -}}
automountServiceAccountToken: false
enableServiceLinks: false # a Service called `tenure` would put its address into TENURE_PORT
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: {{ .component }}
    image: {{ include "tenure.image" .root | quote }}
    imagePullPolicy: IfNotPresent
    args: [{{ .module }}]
    env: {{- include "tenure.environment" . | trim | nindent 6 }}
    resources: {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: secrets, mountPath: /run/secrets/tenure, readOnly: true}
      {{- if $certificates }}
      - {name: certificates, mountPath: /run/certificates, readOnly: true}
      {{- end }}
    {{- if .http }}
    {{- include "tenure.http" . | nindent 4 }}
    {{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: secrets
    projected:
      defaultMode: 0440
      sources: {{- $texts | nindent 8 }}
  {{- with $certificates }}
  - name: certificates
    projected:
      defaultMode: 0440
      sources: {{- . | nindent 8 }}
  {{- end }}
{{- with .root.Values.pod }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tenure.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* Values that are no strings are written as JSON, which also keeps a large number from becoming 6.7e+07. */ -}}
{{- define "tenure.environment" -}}
{{- $own := dict "TENURE_PORT" "8080" "TENURE_SECRETS_DIR" "/run/secrets/tenure" -}}
{{- range $variable, $_ := .root.Values.secrets -}}
{{- if hasSuffix "_FILE" $variable -}}
{{- $_ := set $own $variable (printf "/run/certificates/%s.pem" (lower $variable)) -}}
{{- end -}}
{{- end -}}
{{- $all := dict "TENURE_HOST" "0.0.0.0" -}}
{{- range append .settings $own -}}
{{- range $variable, $value := . -}}
{{- $_ := set $all $variable $value -}}
{{- end -}}
{{- end -}}
{{- range $variable, $value := $all }}
- name: {{ $variable }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end -}}

{{- /* What is read from files: certificates, with paths in variables, or settings, in files of their names. */ -}}
{{- define "tenure.sources" -}}
{{- $certificates := .certificates -}}
{{- range $variable, $from := .secrets -}}
{{- if eq $certificates (hasSuffix "_FILE" $variable) }}
- {{ hasKey $from "secret" | ternary "secret" "configMap" }}:
    name: {{ coalesce $from.secret $from.configMap }}
    items: [{key: {{ $from.key | quote }}, path: {{ lower $variable }}{{ $certificates | ternary ".pem" "" }}}]
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tenure.http" -}}
ports:
  - {name: http, containerPort: 8080}
startupProbe: # as long as it starts, the others wait; it answers before Kafka and MongoDB do
  httpGet: {path: /livez, port: http}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe: # red only where a fresh process would do better
  httpGet: {path: /livez, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe: # red also while a dependency is away, or the group shares out its partitions
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- if include "tenure.isDoor" .component }}
lifecycle:
  preStop:
    sleep: {seconds: 5} # until nobody is sent here any more; then 15 s to finish
{{- end }}
{{- end -}}
