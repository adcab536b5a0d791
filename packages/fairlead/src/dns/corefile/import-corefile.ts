import {
  type Block,
  type CorefileNote,
  type CorefileSettings,
  emptySettings,
  type MutableSettings,
} from './corefile-settings.ts';
import { importDetail, importDirective } from './import-directive.ts';
import { CorefileViewsReader, isWithView } from './import-views.ts';
import { type CorefileServer, parseCorefile } from './parse-corefile.ts';
import { serverAddresses } from './server-addresses.ts';

export type { CorefileNote, CorefileSettings } from './corefile-settings.ts';

/** Result of {@link importCorefile}. */
export interface ImportedCorefile {
  readonly settings: CorefileSettings;
  readonly notes: readonly CorefileNote[];
}

/** Reads a Corefile and says, line by line, what was taken of it. A syntax error is the only note then. */
export function importCorefile(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
  readFile: Block['readFile'] = () => undefined,
): ImportedCorefile {
  const parsed = parseCorefile(text, environment);
  const settings = emptySettings();
  if (!parsed.ok) {
    const { line, message } = parsed;
    return { settings, notes: [{ line, directive: 'Corefile', result: 'ignored', detail: message }] };
  }
  const notes: CorefileNote[] = [];
  const views = new CorefileViewsReader(parsed.servers);
  for (const server of parsed.servers) {
    if (server.addresses[0] === 'import') {
      notes.push({
        line: server.line,
        directive: 'import',
        result: 'ignored',
        detail: importDetail(server.addresses[1]),
      });
    } else if (!isWithView(server)) {
      notes.push(...importServer(server, views.isPlainAView ? views.plainSettings : settings, readFile, views));
    }
  }
  notes.push(...views.read(settings, readFile));
  return { settings, notes: notes.sort((a, b) => a.line - b.line) };
}

/** A block without a view: all of them together are the server's settings. */
function importServer(
  server: CorefileServer,
  settings: MutableSettings,
  readFile: Block['readFile'],
  { isPlainAView }: CorefileViewsReader,
): CorefileNote[] {
  const { zones, notes } = serverAddresses(server);
  if (zones.length === 0) return notes;
  const root = server.directives.find(({ name }) => name === 'root')?.args[0];
  for (const directive of server.directives) {
    const clusterDomain = isPlainAView ? undefined : (settings.clusterDomain ?? 'cluster.local');
    const block: Block = { zones: zones.map(({ zone }) => zone), root, clusterDomain, readFile };
    const [result, detail] = importDirective(directive, block, settings);
    notes.push({ line: directive.line, directive: directive.name, result, detail });
  }
  return notes;
}
