import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createEndpointMemory, EndpointMemory } from '@fairlead/balance';
import { EndpointRegistry, type EndpointRuntime } from './endpoint-runtime.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** Of a connection the pool needs to know only how to close it. */
class FakeConnection {
  isOpen = true;

  close(): void {
    this.isOpen = false;
  }
}

let memory: EndpointMemory;
let registry: EndpointRegistry;
beforeEach(() => {
  memory = new EndpointMemory(createEndpointMemory(16));
  registry = new EndpointRegistry(memory);
});

const acquire = (port = 80): EndpointRuntime =>
  registry.acquire({ address: '10.0.0.1', port, weight: 1 }, 'http1', undefined)!;
const pool = (endpoint: EndpointRuntime): FakeConnection => {
  const connection = new FakeConnection();
  const isTaken = endpoint.putIdle(connection as unknown as UpstreamConnection);
  if (!isTaken) connection.close();
  return connection;
};

describe('an endpoint that no backend names any more', () => {
  test('is the same with the same connections when it is back at once', () => {
    const before = acquire();
    const connection = pool(before);
    registry.release(before);
    registry.review();
    const after = acquire();
    for (let round = 0; round < 3; round++) registry.review();
    assert.equal(after, before);
    assert.equal(connection.isOpen, true);
    assert.equal(after.takeIdle(), connection as unknown as UpstreamConnection);
  });

  test('is forgotten, with its connections, once nobody has named it between two reviews', () => {
    const before = acquire();
    const connection = pool(before);
    registry.release(before);
    registry.review();
    assert.equal(connection.isOpen, true);
    registry.review();
    assert.deepEqual([connection.isOpen, registry.size], [false, 0]);
    assert.equal(pool(before).isOpen, false, 'a request that ends later takes its connection with it');
    assert.notEqual(acquire(), before);
  });

  test('has its time anew when it leaves again', () => {
    const endpoint = acquire();
    const connection = pool(endpoint);
    registry.release(endpoint);
    registry.review();
    registry.release(acquire());
    registry.review();
    assert.equal(connection.isOpen, true);
    registry.review();
    assert.equal(connection.isOpen, false);
  });

  test('takes connections of its last requests back meanwhile', () => {
    const endpoint = acquire();
    registry.release(endpoint);
    assert.equal(pool(endpoint).isOpen, true);
  });
});

describe('the shared record of an endpoint', () => {
  test('is given back with the last backend, and had again when it is back', () => {
    const endpoint = acquire();
    assert.equal(memory.find('10.0.0.1:80'), endpoint.slot);
    registry.release(endpoint);
    assert.equal(memory.find('10.0.0.1:80'), -1);
    assert.equal(acquire(), endpoint);
    assert.equal(memory.find('10.0.0.1:80'), endpoint.slot);
  });

  test('stays while a request is in flight', () => {
    const endpoint = acquire();
    endpoint.start();
    registry.release(endpoint);
    registry.review();
    registry.review();
    assert.equal(memory.inFlight(memory.find('10.0.0.1:80')), 1);
    endpoint.finish();
    assert.equal(memory.find('10.0.0.1:80'), -1);
  });

  test('is held once, however often the endpoint comes and goes during a request', () => {
    const endpoint = acquire();
    endpoint.start();
    for (let round = 0; round < 3; round++) {
      registry.release(endpoint);
      assert.equal(acquire(), endpoint);
    }
    registry.release(endpoint);
    endpoint.finish();
    assert.equal(memory.find('10.0.0.1:80'), -1);
  });
});

test('endpoints with several backends stay until the last one lets go', () => {
  const endpoint = acquire();
  assert.equal(acquire(), endpoint);
  const connection = pool(endpoint);
  registry.release(endpoint);
  for (let round = 0; round < 3; round++) registry.review();
  assert.equal(connection.isOpen, true);
  assert.notEqual(acquire(81), endpoint);
});
