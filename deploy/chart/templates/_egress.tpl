{{- /* Whom any process may call: the name server, the brokers, the database. Nobody else, not even each other. */ -}}
{{- define "tenure.egress" -}}
- to: {{- toYaml .dns | nindent 4 }}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- range list .kafka .mongo }}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
