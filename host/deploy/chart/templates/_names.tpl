{{- define "filbert.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "filbert.account" -}}
{{- default (include "filbert.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "filbert.selector" -}}
app.kubernetes.io/name: filbert
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "filbert.labels" -}}
{{ include "filbert.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "filbert.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "filbert.priority" -}}
{{- if .Values.priorityClass.create -}}
{{ default (printf "%s-operator" (include "filbert.name" .)) .Values.priorityClass.name }}
{{- else -}}
{{ .Values.priorityClass.name }}
{{- end -}}
{{- end -}}
