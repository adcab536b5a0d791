import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactRules, missingRules, rulesText } from './escalation.ts';
import {
  type PolicyRule,
  type ResourceAttributes,
  ruleAllowsPath,
  ruleAllowsResource,
  ruleCovers,
  rulesOf,
} from './policy-rule.ts';

function rule(part: Partial<PolicyRule>): PolicyRule {
  return { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: [], nonResourceURLs: [], ...part };
}

function wanted(part: Partial<ResourceAttributes>): ResourceAttributes {
  const none = { group: '', version: 'v1', subresource: '', namespace: 'n', name: '' };
  return { ...none, verb: 'get', resource: 'pods', ...part };
}

describe('a rule about resources', () => {
  const rows: readonly [string, Partial<PolicyRule>, Partial<ResourceAttributes>, boolean][] = [
    ['names what is asked', {}, {}, true],
    ['another verb', {}, { verb: 'list' }, false],
    ['every verb', { verbs: ['*'] }, { verb: 'escalate' }, true],
    ['another group', {}, { group: 'apps' }, false],
    ['every group', { apiGroups: ['*'] }, { group: 'apps' }, true],
    ['a resource is not its subresources', {}, { subresource: 'log' }, false],
    ['a subresource is not its resource', { resources: ['pods/log'] }, {}, false],
    ['a subresource by name', { resources: ['pods/log'] }, { subresource: 'log' }, true],
    ['a subresource of every resource', { resources: ['*/scale'] }, { resource: 'x', subresource: 'scale' }, true],
    ['that asterisk is not the resource', { resources: ['*/scale'] }, { resource: 'x' }, false],
    ['every resource with its subresources', { resources: ['*'] }, { subresource: 'log' }, true],
    ['a name', { resourceNames: ['a'] }, { name: 'a' }, true],
    ['another name', { resourceNames: ['a'] }, { name: 'b' }, false],
    ['a name does not allow the collection', { resourceNames: ['a'] }, { verb: 'get', name: '' }, false],
  ];
  for (const [name, part, attributes, allowed] of rows) {
    test(name, () => assert.equal(ruleAllowsResource(rule(part), wanted(attributes)), allowed));
  }
});

describe('a rule about paths', () => {
  const rows: readonly [string, readonly string[], string, boolean][] = [
    ['the path itself', ['/healthz'], '/healthz', true],
    ['no prefix without an asterisk', ['/healthz'], '/healthz/etcd', false],
    ['a prefix', ['/apis/*'], '/apis/apps', true],
    ['the prefix is not its parent', ['/apis/*'], '/apis', false],
    ['everything', ['*'], '/metrics', true],
    ['a resource rule says nothing', [], '/metrics', false],
  ];
  for (const [name, nonResourceURLs, path, allowed] of rows) {
    test(name, () => assert.equal(ruleAllowsPath(rule({ nonResourceURLs }), { verb: 'get', path }), allowed));
  }
});

describe('one rule covers another', () => {
  const rows: readonly [string, Partial<PolicyRule>, Partial<PolicyRule>, boolean][] = [
    ['equal', {}, {}, true],
    ['more verbs', { verbs: ['get', 'list'] }, {}, true],
    ['fewer verbs', {}, { verbs: ['get', 'list'] }, false],
    ['an asterisk is more than all names', {}, { verbs: ['*'] }, false],
    ['all resources cover subresources', { resources: ['*'] }, { resources: ['pods/exec'] }, true],
    ['subresources of all', { resources: ['*/exec'] }, { resources: ['pods/exec'] }, true],
    ['names cover these names', { resourceNames: ['a', 'b'] }, { resourceNames: ['b'] }, true],
    ['names do not cover all', { resourceNames: ['a'] }, {}, false],
    ['all covers names', {}, { resourceNames: ['a'] }, true],
  ];
  for (const [name, whole, part, covers] of rows) {
    test(name, () => assert.equal(ruleCovers(rule(whole), rule(part)), covers));
  }
});

test('what is missing is told by resource, with the verbs in the order of the role', () => {
  const held = [rule({ verbs: ['get'], resources: ['pods', 'secrets'] })];
  const role = rulesOf([
    { verbs: ['list', 'get', 'watch'], apiGroups: [''], resources: ['secrets', 'pods'] },
    { verbs: ['get'], nonResourceURLs: ['/metrics'] },
    { verbs: ['update'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['a'] },
  ]);
  const missing = missingRules(held, role);
  assert.equal(compactRules(missing).length, 4);
  assert.equal(
    rulesText(missing),
    [
      '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["list" "watch"]}',
      '{APIGroups:["apps"], Resources:["deployments"], ResourceNames:["a"], Verbs:["update"]}',
      '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ].join('\n'),
  );
});
