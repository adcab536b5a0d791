import type { TypeDescriptions } from './descriptions.ts';

/** Descriptions of the networking and discovery groups, in our own words. */
export const networkingDescriptions: TypeDescriptions = {
  'networking.v1.Ingress': { '': 'Routes HTTP requests from outside to Services, by host and path.' },
  'networking.v1.IngressSpec': {
    '': 'Rules of an Ingress.',
    defaultBackend: 'Where requests go that no rule matches.',
    ingressClassName: 'The IngressClass, and so the gateway, that serves this Ingress.',
    rules: 'Rules by host.',
    tls: 'Certificates by host.',
  },
  'networking.v1.IngressRule': {
    '': 'Routes of one host.',
    host: 'Host name, or *.domain; every host when empty.',
    http: 'Routes by path.',
  },
  'networking.v1.HTTPIngressPath': {
    '': 'One route.',
    backend: 'Where its requests go.',
    path: 'Path to match; begins with a slash.',
    pathType: 'Exact, Prefix (by whole path elements) or ImplementationSpecific.',
  },
  'networking.v1.IngressBackend': {
    '': 'Where requests go.',
    resource: 'An object other than a Service.',
    service: 'A Service and one of its ports.',
  },
  'networking.v1.IngressTLS': {
    '': 'A certificate and its hosts.',
    hosts: 'Hosts of the certificate.',
    secretName: 'Secret of type kubernetes.io/tls.',
  },
  'networking.v1.IngressClass': { '': 'Names the controller that serves Ingresses of this class.' },
  'discovery.v1.EndpointSlice': {
    '': 'Some of the endpoints of a Service.',
    addressType: 'IPv4, IPv6 or FQDN. Cannot be changed.',
    endpoints: 'The endpoints.',
    ports: 'The ports that every endpoint of the slice has.',
  },
  'discovery.v1.Endpoint': {
    '': 'One endpoint.',
    addresses: 'Its addresses; all reach the same thing.',
    conditions: 'Whether it is ready, serving, terminating.',
    hints: 'Zones and nodes that should use it.',
    hostname: 'Host name for DNS.',
    nodeName: 'Node it runs on.',
    targetRef: 'Usually the Pod.',
    zone: 'Zone it is in.',
  },
  'discovery.v1.EndpointConditions': {
    '': 'State of an endpoint.',
    ready: 'Whether it takes new connections; unknown counts as true.',
    serving: 'Like ready, but also true while terminating.',
    terminating: 'Whether it is going away.',
  },
  'discovery.v1.EndpointPort': {
    '': 'One port of a slice.',
    appProtocol: 'Protocol spoken above TCP or UDP.',
    name: "Name of the Service's port.",
    port: 'Port number.',
    protocol: 'TCP, UDP or SCTP.',
  },
};
