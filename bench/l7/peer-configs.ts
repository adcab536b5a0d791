import { join } from 'node:path';
import { type L7Row, SMALL_BODY_BYTES } from './rows.ts';

/** Certificate and key files that every peer shows. */
export interface Identity {
  readonly certificate: string;
  readonly privateKey: string;
  /** Both in one file, as HAProxy reads them. */
  readonly both: string;
}

/** What a configuration is made of. All ports are of 127.0.0.1. */
export interface PeerInput {
  readonly folder: string;
  readonly row: L7Row;
  readonly port: number;
  readonly upstream: number;
  readonly identity: Identity | undefined;
}

/** Hosts beside `shop.example`, so that a host must be found among some. */
const OTHER_HOSTS = [...Array(9).keys()].map((index) => `site-${index}.example`);

function nginxHttp(folder: string, name: string, body: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
worker_processes 1; daemon off; pid ${join(folder, `${name}.pid`)}; error_log ${join(folder, 'error.log')} crit;
worker_rlimit_nofile 65536; events { worker_connections 16384; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 600s;
${temporary.map((kind) => `  ${kind}_temp_path ${join(folder, `${name}-${kind}`)};`).join('\n')}
${body}
}`;
}

/** The server behind all proxies: nginx, with the answer from its configuration or from a file. */
export function upstreamConfig(folder: string, row: L7Row, port: number): string {
  const http2 = row.upstream === 'h2c' ? 'http2' : '';
  const small = `location / { default_type text/plain; return 200 "${'0123456789'.repeat(SMALL_BODY_BYTES / 10)}"; }`;
  const file = `location / { default_type text/plain; root ${folder}; try_files /body =404; }`;
  // The answer to POST, which static files refuse, is the file all the same.
  const grpc = `location / { default_type application/grpc; root ${folder}; try_files /body =404; error_page 405 =200 /body;
      add_trailer grpc-status 0 always; }`;
  const location = row.grpc === true ? grpc : row.bodyBytes > SMALL_BODY_BYTES ? file : small;
  return nginxHttp(folder, 'upstream', `  server { listen 127.0.0.1:${port} ${http2} backlog=4096; ${location} }`);
}

/** nginx with the functions of our route: hosts, path rules, header edits, forwarding fields, pooled upstreams. */
export function nginxConfig({ folder, row, port, upstream, identity }: PeerInput): string {
  const listen = `listen 127.0.0.1:${port} ${identity === undefined ? '' : 'ssl'} ${row.client === 'http2' ? 'http2' : ''}`;
  const kind = row.upstream === 'h2c' ? 'grpc' : 'proxy';
  const pass = row.upstream === 'h2c' ? 'grpc_pass grpc://app;' : 'proxy_pass http://app;';
  const fields = [
    ['Host', '$http_host'],
    ['X-Forwarded-For', '$remote_addr'],
    ['X-Forwarded-Proto', '$scheme'],
    ['X-Forwarded-Host', '$http_host'],
    ['X-Forwarded-Port', '$server_port'],
    ['X-Route', 'shop'],
  ];
  const certificate =
    identity === undefined
      ? ''
      : `ssl_certificate ${identity.certificate}; ssl_certificate_key ${identity.privateKey}; ssl_protocols TLSv1.2 TLSv1.3;`;
  const gzip = row.gzip === true ? 'gzip on; gzip_types *; gzip_comp_level 5; gzip_min_length 1024;' : '';
  const log = row.accessLog === true ? `access_log ${join(folder, 'nginx.log')} combined buffer=32k flush=500ms;` : '';
  const body = `  upstream app { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
  ${kind === 'proxy' ? 'proxy_http_version 1.1; proxy_set_header Connection "";' : ''}
  ${fields.map(([name, value]) => `${kind}_set_header ${name} ${value};`).join(' ')}
  ${kind}_hide_header Server; add_header X-Served-By edge; ${certificate}
${OTHER_HOSTS.map((host) => `  server { ${listen}; server_name ${host}; location / { ${pass} } }`).join('\n')}
  server { ${listen} default_server backlog=4096; server_name shop.example; ${gzip} ${log}
    location /api { ${pass} } location /cart { ${pass} } location / { ${pass} } }`;
  return nginxHttp(folder, 'proxy', body);
}

/** HAProxy, likewise. */
export function haproxyConfig({ row, port, upstream, identity }: PeerInput): string {
  const tls = identity === undefined ? '' : `ssl crt ${identity.both} ssl-min-ver TLSv1.2 alpn h2,http/1.1`;
  return `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
frontend edge
  bind 127.0.0.1:${port} backlog 4096 ${tls} ${identity === undefined && row.client === 'http2' ? 'proto h2' : ''}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto ${identity === undefined ? 'http' : 'https'}
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Port ${port}
  http-request set-header X-Route shop
  http-response del-header Server
  http-response set-header X-Served-By edge
${OTHER_HOSTS.map((host) => `  use_backend app if { hdr(host) -i ${host} }`).join('\n')}
  use_backend app if { path_beg /api }
  use_backend app if { path_beg /cart }
  default_backend app
backend app
  balance leastconn
  server a 127.0.0.1:${upstream} pool-max-conn 256 ${row.upstream === 'h2c' ? 'proto h2' : ''}
`;
}

/** Envoy's bootstrap, likewise; its limits of connections and requests are lifted. */
export function envoyConfig({ row, port, upstream, identity }: PeerInput): string {
  const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
  const socket = (portValue: number): object => ({
    socket_address: { address: '127.0.0.1', port_value: portValue },
  });
  const route = (prefix: string): object => ({ match: { prefix }, route: { cluster: 'app' } });
  const field = (key: string, value: string): object => ({ header: { key, value }, append_action: 2 });
  const most = 1_000_000;
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'edge',
    use_remote_address: true,
    route_config: {
      request_headers_to_add: [
        field('x-route', 'shop'),
        field('x-forwarded-host', '%REQ(:AUTHORITY)%'),
        field('x-forwarded-port', `${port}`),
      ],
      response_headers_to_add: [field('x-served-by', 'edge')],
      response_headers_to_remove: ['server'],
      virtual_hosts: [
        ...OTHER_HOSTS.map((host) => ({ name: host, domains: [host], routes: [route('/')] })),
        { name: 'shop', domains: ['shop.example'], routes: ['/api', '/cart', '/'].map(route) },
        { name: 'any', domains: ['*'], routes: [route('/')] },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } },
    ],
  };
  const tls = identity !== undefined && {
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
        common_tls_context: {
          alpn_protocols: ['h2', 'http/1.1'],
          tls_certificates: [
            { certificate_chain: { filename: identity.certificate }, private_key: { filename: identity.privateKey } },
          ],
          tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
        },
      },
    },
  };
  const http2 = row.upstream === 'h2c' && {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': type('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  const thresholds = { max_connections: most, max_pending_requests: most, max_requests: most };
  return JSON.stringify({
    static_resources: {
      listeners: [
        {
          name: 'edge',
          address: socket(port),
          tcp_backlog_size: 4096,
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }], ...tls },
          ],
        },
      ],
      clusters: [
        {
          name: 'app',
          type: 'STATIC',
          connect_timeout: '5s',
          lb_policy: 'LEAST_REQUEST',
          circuit_breakers: { thresholds: [thresholds] },
          load_assignment: {
            cluster_name: 'app',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(upstream) } }] }],
          },
          ...http2,
        },
      ],
    },
  });
}

/** Caddy's Caddyfile, likewise. */
export function caddyConfig({ row, port, upstream, identity }: PeerInput): string {
  const tls = identity === undefined ? '' : `tls ${identity.certificate} ${identity.privateKey}`;
  return `
{
  admin off
  auto_https off
  servers {
    protocols h1 h2 ${identity === undefined ? 'h2c' : ''}
  }
  log {
    output discard
  }
}
(app) {
  reverse_proxy ${row.upstream === 'h2c' ? 'h2c' : 'http'}://127.0.0.1:${upstream} {
    lb_policy least_conn
    header_up X-Forwarded-Port ${port}
    header_up X-Route shop
    header_down -Server
    header_down X-Served-By edge
    transport http {
      keepalive_idle_conns_per_host 256
      compression off
      ${row.upstream === 'h2c' ? 'versions h2c 2' : ''}
    }
  }
}
${identity === undefined ? 'http' : 'https'}://:${port} {
  bind 127.0.0.1
  ${tls}
${OTHER_HOSTS.map((host, at) => `  @site${at} host ${host}\n  handle @site${at} {\n    import app\n  }`).join('\n')}
  handle /api/* {
    import app
  }
  handle /cart/* {
    import app
  }
  handle {
    import app
  }
}
`;
}
