import { base64Encode } from '../base64.ts';
import { ensureObject, type JsonObject, objectIn, setDefaultText } from './fields.ts';

const encoder = new TextEncoder();

/** Defaults of a Namespace: its name as a label, and the phase. */
export function applyNamespaceDefaults(namespace: JsonObject): void {
  const metadata = ensureObject(namespace, 'metadata');
  if (typeof metadata.name === 'string' && metadata.name !== '') {
    ensureObject(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata.name;
  }
  setDefaultText(ensureObject(namespace, 'status'), 'phase', 'Active');
}

/** Defaults of a Secret: type Opaque; `stringData` is a way to write `data` and never stored. */
export function applySecretDefaults(secret: JsonObject): void {
  setDefaultText(secret, 'type', 'Opaque');
  const text = objectIn(secret, 'stringData');
  if (text === undefined) return;
  const data = new Map<string, unknown>(Object.entries(objectIn(secret, 'data') ?? {}));
  for (const [key, value] of Object.entries(text)) data.set(key, base64Encode(encoder.encode(String(value))));
  delete secret.stringData;
  if (data.size > 0) secret.data = Object.fromEntries([...data].sort(([a], [b]) => (a < b ? -1 : 1)));
}
