import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'kdig');
const folder = mkdtempSync(join(tmpdir(), 'fairlead-corefile-'));
let system: TestSystem;

/** What an installer writes, with names of Pods, and what people add to it. */
const corefile = `.:53 {
    errors
    health {
        lameduck 5s
    }
    kubernetes lab.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    hosts {
        192.0.2.77 printer.lan
        fallthrough
    }
    rewrite name regex (.*)\\.short\\.$ {1}.svc.lab.local answer auto
    template IN A ip.test {
        match "^ip-(?P<a>\\d+)-(?P<b>\\d+)-(?P<c>\\d+)-(?P<d>\\d+)\\.ip\\.test\\.$"
        answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
    }
    acl secret.test {
        allow net everybody
    }
    cache 30
}
`;

before(async () => {
  if (skip !== false) return;
  const file = join(folder, 'Corefile');
  writeFileSync(file, corefile);
  system = await startSystem({ args: ['--corefile', file] });
});
after(async () => {
  await system?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers of the cluster's DNS, or the response code of one without. */
async function dig(name: string): Promise<string> {
  const { stdout } = await system.exec('kdig', '+timeout=2', '@10.96.0.10', name, 'A');
  const [, code = ''] = /status: (\w+)/.exec(stdout) ?? [];
  const records = [...stdout.matchAll(/^[^;\s]\S*\s+\d+\s+IN\s+A\s+(\S+)$/gm)].map(([, address]) => address);
  return records.length > 0 ? records.join() : code;
}

test('a whole system takes a Corefile over', { skip }, async (t) => {
  const rows: readonly (readonly [name: string, expected: string])[] = [
    ['kubernetes.default.svc.lab.local', '10.96.0.1'],
    ['kubernetes.default.short', '10.96.0.1'],
    ['ip-10-1-2-3.ip.test', '10.1.2.3'],
    ['printer.lan', '192.0.2.77'],
    ['www.secret.test', 'REFUSED'],
    ['none.default.svc.lab.local', 'NXDOMAIN'],
  ];
  for (const [name, expected] of rows) {
    await t.test(name, async () => {
      await eventually(expected, async () => (await dig(name)) === expected);
    });
  }
  assert.match(
    system.output(),
    /acl: ignored: all queries for secret\.test are refused instead: everybody is not a network/,
  );
});
