/** A Deployment of echo Pods and a Service on port 80, in one file. */
export function web(name: string, replicas: number, serviceSpec = ''): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: echo
          image: fairlead/echo
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /readyz, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: http }]
  ${serviceSpec}
`;
}

/** An Ingress with two hosts and three paths over Services of these names. */
export function ingress(first: string, second: string, empty: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: routes }
spec:
  rules:
    - host: one.example
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: ${first}, port: { name: http } } } }
          - { path: /second, pathType: Prefix, backend: { service: { name: ${second}, port: { number: 80 } } } }
    - host: two.example
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: ${second}, port: { number: 80 } } } }
          - { path: /empty, pathType: Prefix, backend: { service: { name: ${empty}, port: { number: 80 } } } }
`;
}

/** An Ingress for the host `NAME.example` with annotations of ours; a document of its own. */
export function annotatedIngress(name: string, service: string, annotations: Readonly<Record<string, string>>): string {
  const lines = Object.entries(annotations).map(([key, value]) => `    fairlead.dev/${key}: ${JSON.stringify(value)}`);
  return `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  annotations:
${lines.join('\n')}
spec:
  ingressClassName: fairlead
  rules:
  - host: ${name}.example
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${service}, port: { number: 80 } } } }] }
`;
}
