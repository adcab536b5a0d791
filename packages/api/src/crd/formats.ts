import { parseCidr } from '../ip.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { isIpv4Text, isIpv6Text } from './address-text.ts';

/** True when a text has a format. */
type FormatCheck = (text: string) => boolean;

const uuid = (version: string): FormatCheck => {
  const pattern = new RegExp(
    version === ''
      ? '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$'
      : `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[${version === '3' ? '0-9a-f' : '89ab'}][0-9a-f]{3}-?[0-9a-f]{12}$`,
    'i',
  );
  return (text) => pattern.test(text);
};

/**
 * The formats a Kubernetes server checks in custom resources; texts of other formats are not
 * looked at. Keys are without hyphens, as `date-time` and `datetime` are the same.
 */
const checks: Readonly<Record<string, FormatCheck>> = {
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: (text) => URL.canParse(text) || /^\/[^\s]*$/.test(text),
  email: (text) => /^[^\s@<>()[\],;:]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(text),
  hostname: (text) => text.length <= 255 && /^[a-z0-9](?:[a-z0-9-]{0,62})?(?:\.[a-z0-9-]{1,63})*\.?$/i.test(text),
  ipv4: isIpv4Text,
  ipv6: isIpv6Text,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: (text) => /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text),
  uuid: uuid(''),
  uuid3: uuid('3'),
  uuid4: uuid('4'),
  uuid5: uuid('5'),
  isbn10: (text) => /^[0-9]{9}[0-9X]$/.test(text.replaceAll(/[- ]/g, '')),
  isbn13: (text) => /^[0-9]{13}$/.test(text.replaceAll(/[- ]/g, '')),
  isbn: (text) => /^(?:[0-9]{9}[0-9X]|[0-9]{13})$/.test(text.replaceAll(/[- ]/g, '')),
  creditcard: (text) => /^[0-9]{13,19}$/.test(text.replaceAll(/[- ]/g, '')),
  ssn: (text) => /^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$/.test(text),
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => /^rgb\(\s*(?:[0-9]{1,3}\s*,\s*){2}[0-9]{1,3}\s*\)$/.test(text),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  password: () => true,
  date: (text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && isDate(text),
  duration: (text) => isGoDuration(text),
  datetime: (text) => isDateTime(text),
  k8sshortname: (text) => dns1123LabelErrors(text).length === 0,
  k8slongname: (text) => dns1123SubdomainErrors(text).length === 0,
};

/** True when a text has the format, or the format is none that is checked. */
export function hasFormat(format: string, text: string): boolean {
  const name = format.replaceAll('-', '');
  return Object.hasOwn(checks, name) ? checks[name]!(text) : true;
}

/** True for formats that are checked. */
export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(checks, format.replaceAll('-', ''));
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$/.exec(
      text,
    );
  return match !== null && isDate(match[1]!) && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) < 60;
}

function isGoDuration(text: string): boolean {
  return /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+$/.test(text) || text === '0';
}
