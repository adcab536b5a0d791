import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { importCorefile } from '../dns/corefile/import-corefile.ts';
import { readDnsSettings } from './dns-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

function read(values: SettingValues): { readonly settings: unknown; readonly problems: readonly string[] } {
  const reader = new SettingReader(values);
  return { settings: readDnsSettings(reader, importCorefile), problems: reader.problems };
}

test('DNS settings: defaults, values and mistakes', () => {
  const nothing = {
    upstreams: 'resolv.conf',
    forwardRules: {},
    hasZonalNames: false,
    transferTo: [],
    subnetSources: [],
    lameduckMs: 0,
    corefileNotes: [],
  };
  assert.deepEqual(read({}), { settings: nothing, problems: [] });
  const values = {
    'dns-upstream': ['10.0.0.53', 'tls://9.9.9.9#dns.quad9.net'],
    'dns-forward': ['example.org=10.0.0.1', 'example.org=10.0.0.2:5353'],
    'dns-external-zone': 'apps.example.org',
    'dns-log-every': '10',
    'dns-clusterset-zone': 'clusterset.local',
    'dns-zonal-names': true,
    'dns-transfer-to': ['192.0.2.1', '10.0.0.0/8'],
    'dns-trust-subnet': ['192.0.2.53'],
    'dns-lameduck': '5s',
  };
  assert.deepEqual(read(values).settings, {
    ...nothing,
    upstreams: values['dns-upstream'],
    forwardRules: { 'example.org': ['10.0.0.1', '10.0.0.2:5353'] },
    externalZone: 'apps.example.org',
    logEvery: 10,
    clustersetZone: 'clusterset.local',
    hasZonalNames: true,
    transferTo: ['192.0.2.1', '10.0.0.0/8'],
    subnetSources: ['192.0.2.53'],
    lameduckMs: 5000,
  });
  const rows: readonly (readonly [SettingValues, string])[] = [
    [
      { 'dns-upstream': ['nowhere'] },
      '--dns-upstream nowhere: must be ADDRESS[:PORT], tls://ADDRESS[:PORT][#NAME] or https://ADDRESS[:PORT][/PATH][#NAME]',
    ],
    [{ 'dns-forward': ['example.org'] }, '--dns-forward example.org: must be DOMAIN=ADDRESS[:PORT]'],
    [{ 'dns-https-listen': ':443' }, '--dns-https-listen needs --dns-tls-cert and --dns-tls-key'],
    [{ 'dns-tls-key': '/dev/null' }, '--dns-tls-cert and --dns-tls-key belong together'],
    [
      { 'dns-transfer-to': ['10.0.0.0/33'] },
      '--dns-transfer-to 10.0.0.0/33: must be an address, a network such as 10.0.0.0/8, or *',
    ],
    [{ 'dns-log-every': '0' }, '--dns-log-every 0: must be a whole number from 1 to 1000000'],
  ];
  for (const [wrong, problem] of rows) assert.deepEqual(read(wrong).problems, [problem]);
});

test('a Corefile fills what no flag says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-corefile-'));
  try {
    const corefile = join(folder, 'Corefile');
    writeFileSync(corefile, '. {\n kubernetes lab.local {\n ttl 9\n }\n forward . 10.0.0.1\n log\n}\n');
    const { settings } = read({ corefile, 'dns-upstream': ['10.0.0.2'] });
    const { upstreams, logEvery, corefile: imported, corefileNotes } = settings as ReturnType<typeof readDnsSettings>;
    assert.deepEqual(upstreams, ['10.0.0.2']);
    assert.equal(logEvery, 100);
    assert.equal(imported?.clusterDomain, 'lab.local');
    assert.equal(imported?.ttlSeconds, 9);
    assert.deepEqual(
      corefileNotes.map(({ line, result }) => [line, result]),
      [
        [2, 'taken'],
        [5, 'taken'],
        [6, 'taken'],
      ],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
