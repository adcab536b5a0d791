// Hot path: packs every endpoint that the API server tells of, and unpacks those of a Service that changed.
import type { Endpoint } from '@fairlead/api';

/**
 * The endpoints of a slice as one text. As objects they take some 230 bytes each, packed 50, and the garbage
 * collector has one string per slice to look at instead of half a dozen objects per endpoint.
 */
export type PackedEndpoints = string;

type Conditions = NonNullable<Endpoint['conditions']>;

/** A name by its number in {@link sharedNames}, or itself; 0 is none. */
type NameReference = number | string;

/** Address, conditions, node, zone, Pod, hints: what follows the last one that is there is left out. */
type Row = readonly [string, number, NameReference?, NameReference?, string?, Endpoint['hints']?];

/** The few combinations of conditions; an endpoint has the number of its own. Number 0 is none. */
const sharedConditions: (Conditions | undefined)[] = [undefined];
const conditionNumbers = new Map<string, number>();
/** Names that many endpoints have: of nodes and zones. Number 0 is none. */
const sharedNames: string[] = [''];
const nameNumbers = new Map<string, number>();
/** Beyond this, names are not shared: they may come and go. */
const mostNames = 20_000;

function nameReference(name: string | undefined): NameReference {
  if (name === undefined) return 0;
  const known = nameNumbers.get(name);
  if (known !== undefined) return known;
  if (nameNumbers.size >= mostNames) return name;
  nameNumbers.set(name, sharedNames.length);
  return sharedNames.push(name) - 1;
}

function conditionNumber(conditions: Conditions | undefined): number {
  if (conditions === undefined) return 0;
  const { ready, serving, terminating } = conditions;
  const key = `${ready} ${serving} ${terminating}`;
  const known = conditionNumbers.get(key);
  if (known !== undefined) return known;
  conditionNumbers.set(key, sharedConditions.length);
  return (
    sharedConditions.push({
      ...(ready === undefined ? {} : { ready }),
      ...(serving === undefined ? {} : { serving }),
      ...(terminating === undefined ? {} : { terminating }),
    }) - 1
  );
}

function rowOf({ addresses, conditions, nodeName, zone, hints, targetRef }: Endpoint): Row {
  // Only the first address of an endpoint counts; of its Pod the name, for weights by Pod.
  const address = addresses[0] ?? '';
  const pod = targetRef?.kind === 'Pod' ? (targetRef.name ?? '') : '';
  const first = [address, conditionNumber(conditions), nameReference(nodeName), nameReference(zone)] as const;
  if (hints !== undefined) return [...first, pod, hints];
  return pod === '' ? first : [...first, pod];
}

function endpointOf([address, conditions, node = 0, zone = 0, pod = '', hints]: Row): Endpoint {
  const own = sharedConditions[conditions];
  const nodeName = typeof node === 'string' ? node : sharedNames[node];
  const zoneName = typeof zone === 'string' ? zone : sharedNames[zone];
  return {
    addresses: [address],
    ...(own === undefined ? {} : { conditions: own }),
    ...(node === 0 || nodeName === undefined ? {} : { nodeName }),
    ...(zone === 0 || zoneName === undefined ? {} : { zone: zoneName }),
    ...(hints === undefined ? {} : { hints }),
    ...(pod === '' ? {} : { targetRef: { kind: 'Pod', name: pod } }),
  };
}

/** Packs what the service proxy needs of endpoints. */
export function packEndpoints(endpoints: readonly Endpoint[]): PackedEndpoints {
  return JSON.stringify(endpoints.map(rowOf));
}

/** The endpoints, as new objects. */
export function unpackEndpoints(packed: PackedEndpoints): Endpoint[] {
  return (JSON.parse(packed) as Row[]).map(endpointOf);
}
