import { compileCapturingRegex } from '../../regex/capturing-regex.ts';
import { rcode } from '../../wire/dns/constants.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import type { AnswerTemplate, TemplateField, TemplateText } from '../answer-templates.ts';
import { normalizeName } from '../owner-names.ts';
import { queryTypeNumber } from '../query-types.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** A template, or why it is none. */
export type ImportedTemplate =
  | { readonly ok: true; readonly template: AnswerTemplate }
  | { readonly ok: false; readonly problem: string };

class TemplateProblem extends Error {}

const zonesOf = (texts: readonly string[]): string[] =>
  texts.map((text) => {
    const zone = normalizeName(text) || '.';
    if (nameFromText(zone) === undefined) throw new TemplateProblem(`${text} is not a zone`);
    return zone;
  });

/** `template CLASS TYPE [ZONE...] { match, answer, authority, additional, rcode, ederror, fallthrough }`. */
export function importTemplate(directive: CorefileDirective, blockZones: readonly string[]): ImportedTemplate {
  try {
    return { ok: true, template: readTemplate(directive, blockZones) };
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error;
    return { ok: false, problem: error.message };
  }
}

function readTemplate({ args, block }: CorefileDirective, blockZones: readonly string[]): AnswerTemplate {
  const [classText = '', typeText = '', ...own] = args;
  if (!/^(IN|ANY)$/i.test(classText)) throw new TemplateProblem('only class IN is served');
  const type = typeText.toUpperCase() === 'ANY' ? 'any' : queryTypeNumber(typeText);
  if (type === undefined) throw new TemplateProblem(`${typeText} is not a type that is known here`);
  const linesOf = (wanted: string): (readonly string[])[] =>
    block.flatMap(({ name, args: rest }) => (name === wanted ? [rest] : []));
  const unknown = block.find(({ name }) => !knownLines.includes(name));
  if (unknown !== undefined) throw new TemplateProblem(`${unknown.name} is not known`);
  const patterns = linesOf('match').flat();
  const groups = patterns.map((pattern) => {
    const compiled = compileCapturingRegex(pattern);
    if (!compiled.ok) throw new TemplateProblem(compiled.problem);
    return compiled.regex;
  });
  const texts = (wanted: string): TemplateText[] =>
    linesOf(wanted).map((rest) => {
      const text = readText(rest.join(' '));
      for (const piece of text) {
        if (typeof piece === 'string') continue;
        // Of several patterns any may match, so each field must be in one of them at least.
        const isThere =
          piece.kind === 'named'
            ? groups.some(({ names }) => names.has(piece.name))
            : piece.kind !== 'group' || piece.index === 0 || groups.some((regex) => regex.groups >= piece.index);
        if (!isThere) throw new TemplateProblem(`no pattern has a group for ${rest.join(' ')}`);
      }
      return text;
    });
  const fallthrough = linesOf('fallthrough')[0];
  const extendedError = linesOf('ederror')[0]?.[0];
  if (extendedError !== undefined && !/^\d{1,5}$/.test(extendedError)) throw new TemplateProblem('ederror is a number');
  return {
    zones: own.length > 0 ? zonesOf(own) : blockZones,
    type,
    patterns,
    rcode: readCode(linesOf('rcode')[0]?.[0] ?? 'NOERROR'),
    answers: texts('answer'),
    authority: texts('authority'),
    additional: texts('additional'),
    ...(extendedError === undefined ? {} : { extendedError: Number(extendedError) }),
    fallthrough: fallthrough === undefined ? [] : fallthrough.length === 0 ? ['.'] : zonesOf(fallthrough),
  };
}

const knownLines = ['match', 'answer', 'authority', 'additional', 'rcode', 'ederror', 'fallthrough', 'upstream'];

function readCode(text: string): number {
  const known = Object.entries(rcode).find(([name, value]) => name === text.toUpperCase() && value < 16);
  if (known === undefined) throw new TemplateProblem(`${text} is not a response code that is known here`);
  return known[1];
}

/** `{{ .Name }} 60 IN A {{ .Group.a }}` in pieces. Of the template language only fields are known. */
function readText(text: string): TemplateText {
  const pieces: (string | TemplateField)[] = [];
  let at = 0;
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/g)) {
    if (match.index > at) pieces.push(text.slice(at, match.index));
    pieces.push(readField(match[1] ?? ''));
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

const plainFields: Readonly<Record<string, TemplateField>> = {
  '.Name': { kind: 'name' },
  '.Question.Name': { kind: 'name' },
  '.Zone': { kind: 'zone' },
  '.Type': { kind: 'type' },
  '.Class': { kind: 'class' },
};

function readField(text: string): TemplateField {
  const plain = Object.hasOwn(plainFields, text) ? plainFields[text] : undefined;
  if (plain !== undefined) return plain;
  const [, named, index, byName] =
    /^(?:\.Group\.(\w+)|index\s+\.Match\s+(\d{1,3})|index\s+\.Group\s+[`'"\\]*(\w+)[`'"\\]*)$/.exec(text) ?? [];
  const name = named ?? byName;
  if (name !== undefined) return { kind: 'named', name };
  if (index !== undefined) return { kind: 'group', index: Number(index) };
  throw new TemplateProblem(`{{ ${text} }} is not known: only names, zones, types and groups are filled in`);
}
