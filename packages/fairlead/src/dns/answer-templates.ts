import { type CapturingRegex, compileCapturingRegex, type RegexMatch } from '../regex/capturing-regex.ts';
import { rcode } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { foldName, type WireName } from '../wire/dns/name.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { DnsError } from './dns-error.ts';
import type { OwnerName } from './program.ts';
import { queryTypeText } from './query-types.ts';

/** A field of a record's text that a query fills. */
export type TemplateField =
  | { readonly kind: 'name' | 'zone' | 'type' | 'class' }
  /** What a group captured. */
  | { readonly kind: 'group'; readonly index: number }
  | { readonly kind: 'named'; readonly name: string };

/** Text of a record in the form of a zone file, in pieces. */
export type TemplateText = readonly (string | TemplateField)[];

/** Answers made of the name that is asked for. Plain data. */
export interface AnswerTemplate {
  /** Lower-case names; `.` for all. */
  readonly zones: readonly OwnerName[];
  /** `any`: all types. */
  readonly type: number | 'any';
  /** The first that matches a name, which is given to them with its trailing dot. None: all names match. */
  readonly patterns: readonly string[];
  readonly rcode: number;
  readonly answers: readonly TemplateText[];
  readonly authority: readonly TemplateText[];
  readonly additional: readonly TemplateText[];
  /** Code of an extended error (RFC 8914). */
  readonly extendedError?: number;
  /** Zones whose names go on when no pattern matches; others are SERVFAIL. */
  readonly fallthrough: readonly OwnerName[];
}

/** What a template says to a question. */
export interface TemplateAnswer {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  readonly extendedError?: number | undefined;
}

/** TTL of a record that has none. */
const defaultTtl = 3600;
const root: WireName = Uint8Array.of(0);
const failed: TemplateAnswer = { rcode: rcode.SERVFAIL, answers: [], authority: [], additional: [] };
/** Templates, ready to use, in their order. */
export class AnswerTemplates {
  readonly #templates: readonly { readonly template: AnswerTemplate; readonly patterns: readonly CapturingRegex[] }[];

  /** @throws DnsError `options` for a pattern that is none. */
  constructor(templates: readonly AnswerTemplate[]) {
    this.#templates = templates.map((template) => ({
      template,
      patterns: template.patterns.map((pattern) => {
        const result = compileCapturingRegex(pattern);
        if (!result.ok) throw new DnsError('options', `template: ${result.problem}`);
        return result.regex;
      }),
    }));
  }

  /** The answer to a question; `owner` is its name in lower-case text. Absent: no template is for it. */
  answer(name: WireName, owner: OwnerName, type: number): TemplateAnswer | undefined {
    for (const { template, patterns } of this.#templates) {
      if (template.type !== 'any' && template.type !== type) continue;
      const zone = template.zones.filter((each) => isInZone(owner, each)).sort((a, b) => b.length - a.length)[0];
      if (zone === undefined) continue;
      const match = matchFirst(patterns, owner);
      if (match !== undefined) return fillTemplate(template, { name, owner, zone, type, match });
      if (!template.fallthrough.some((each) => isInZone(owner, each))) return failed;
    }
    return undefined;
  }
}

interface Filling {
  readonly name: WireName;
  readonly owner: OwnerName;
  readonly zone: OwnerName;
  readonly type: number;
  readonly match: RegexMatch;
}

function isInZone(owner: OwnerName, zone: OwnerName): boolean {
  return zone === '.' || owner === zone || owner.endsWith(`.${zone}`);
}

function matchFirst(patterns: readonly CapturingRegex[], owner: OwnerName): RegexMatch | undefined {
  const text = owner === '.' ? owner : `${owner}.`;
  if (patterns.length === 0) return { groups: [text], named: new Map() };
  for (const pattern of patterns) {
    const match = pattern.match(text);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** SERVFAIL when what a name makes of a text is no record. */
function fillTemplate(template: AnswerTemplate, filling: Filling): TemplateAnswer {
  const section = (texts: readonly TemplateText[]): DnsRecord[] | undefined => {
    const records = texts.map((text) => recordOf(text, filling));
    return records.includes(undefined) ? undefined : (records as DnsRecord[]);
  };
  const [answers, authority, additional] = [template.answers, template.authority, template.additional].map(section);
  if (answers === undefined || authority === undefined || additional === undefined) return failed;
  return { rcode: template.rcode, answers, authority, additional, extendedError: template.extendedError };
}

function recordOf(text: TemplateText, filling: Filling): DnsRecord | undefined {
  const line = text.map((piece) => (typeof piece === 'string' ? piece : escaped(fieldText(piece, filling)))).join('');
  const parsed = parseZoneFile(`$TTL ${defaultTtl}\n${line.trim()}\n`, {
    origin: root,
    file: 'template',
    maxRecords: 1,
  });
  const [record] = parsed.ok ? parsed.records : [];
  if (record === undefined) return undefined;
  // In the letters of the question.
  return Buffer.compare(foldName(record.name), foldName(filling.name)) === 0
    ? { ...record, name: filling.name }
    : record;
}

function fieldText(field: TemplateField, { owner, zone, type, match }: Filling): string {
  const whole = (name: OwnerName): string => (name === '.' ? name : `${name}.`);
  switch (field.kind) {
    case 'name':
      return whole(owner);
    case 'zone':
      return whole(zone);
    case 'type':
      return queryTypeText(type);
    case 'class':
      return 'IN';
    case 'group':
      return match.groups[field.index] ?? '';
    case 'named':
      return match.named.get(field.name) ?? '';
  }
}

/** What a client sends must stay one piece of the record: it may have bytes that mean something in a zone file. */
function escaped(value: string): string {
  return value.replace(/["();@$]/g, '\\$&');
}
